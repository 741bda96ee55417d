"""What people see of what went wrong: bad input, and numbers that are to be doubted."""

import errno
import os


class InputError(ValueError):
    """Input that a person can mend: one line with the file, what is wrong and the remedy."""


class RunWarning(UserWarning):
    """What is to be doubted of numbers that are read off a run: one line without a full stop."""


_REMEDIES = {
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
        "Free some space, then run it again: nothing is half-written",
    ),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS),
        "Choose another file or folder, or ask who owns it",
    ),
    errno.ENAMETOOLONG: "Choose a shorter name",
    errno.EADDRINUSE: "Choose another --port, or stop what listens there",
    errno.EMFILE: "Allow more of them (ulimit -n), then run it again",
    errno.ENOMEM: "Stop other programs, or choose smaller settings",
    errno.EIO: "Check the disk, then run it again",
    errno.ENOTDIR: "Check the path",
    errno.EEXIST: "Choose another name",
    errno.EISDIR: "Name a file in it",
    errno.ENOENT: "Check the path",
}


def refused(error: BaseException, where: object = None, what: str = "") -> InputError | None:
    """What the machine refuses, as what a person can mend; None for other errors.

    Parameters
    ----------
    error
        Disk full, no permission, memory used up, and the like.
    where
        The file or folder; that of the error, if it knows one, by default.
    what
        What was refused, such as "cannot be written".
    """
    number = errno.ENOMEM if isinstance(error, MemoryError) else getattr(error, "errno", None)
    if out_of_memory(error):
        reason = "the device has no memory left"
        remedy = "Choose smaller --batch-blocks or --memory, or --device cpu"
    elif isinstance(error, OSError | MemoryError) and number in _REMEDIES:
        reason, remedy = os.strerror(number), _REMEDIES[number]
    else:
        return None
    said = f"{what} ({reason})" if what else reason
    where = where or getattr(error, "filename", None)
    return InputError(f"{where}: {said}. {remedy}." if where else f"{said}. {remedy}.")


def out_of_memory(error: BaseException) -> bool:
    """Whether the device that JAX computes on has no memory left."""
    return isinstance(error, RuntimeError) and "RESOURCE_EXHAUSTED" in str(error)
