"""What one session uploaded: a folder that goes when the session and its jobs are over."""

import os
import re
import shutil
import threading
import uuid
from pathlib import Path

from deepwas_app.errors import InputError
from deepwas_app.workflow.settings.serving import ServeSettings

# What a label keeps of a name that a browser says.
_ODD = re.compile(r"[^\w. +-]")
_LONGEST = 100
SMALLER = "Ask for the files to be put on the server."


def label(name: str) -> str:
    """A name that a browser says, as one of a file: no path, no pattern, not hidden, not long."""
    words = _ODD.sub("_", re.split(r"[/\\]", name)[-1]).lstrip(". ")
    ending = "".join(Path(words).suffixes[-2:])
    if len(words.encode()) > _LONGEST:
        words = words.encode()[: _LONGEST - len(ending.encode())].decode(errors="ignore") + ending
    return words if words.strip("._ ") and len(words.encode()) <= _LONGEST else "upload"


def upload_limit() -> float:
    """MB that one session may hold; ``DEEPWAS_UPLOAD_LIMIT``, which the command sets."""
    return float(os.environ.get("DEEPWAS_UPLOAD_LIMIT") or ServeSettings.upload_limit)


class UploadFolder:
    """The uploads of a session, in a folder of its own inside a shared one."""

    def __init__(self, shared: Path) -> None:
        self.path = shared / uuid.uuid4().hex
        self._jobs, self._closed = 0, False
        self._lock = threading.Lock()

    def check(self, size: int) -> None:
        """Refuse so many bytes more than are there.

        Raises
        ------
        InputError
            If it would be more than one session may hold.
        """
        held = sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())
        if held + size > upload_limit() * 1e6:
            raise InputError(
                f"upload: {(held + size) / 1e6:,.0f} MB are more than the {upload_limit():,.0f} MB "
                f"that one visitor may upload. {SMALLER}"
            )

    def write(self, files: list[tuple[str, bytes]]) -> list[Path]:
        """Write files, with the names that a browser said as labels; all of them, or none.

        Raises
        ------
        InputError
            If they are too many bytes, or cannot be written.
        """
        self.check(sum(len(content) for _, content in files))
        folder = self.path / uuid.uuid4().hex[:12]
        paths: list[Path] = []
        try:
            folder.mkdir(parents=True, mode=0o700)
            for name, content in files:
                path = folder / label(name)
                if path in paths:
                    path = folder / f"{len(paths)}-{path.name}"
                path.write_bytes(content)
                paths.append(path)
        except OSError as problem:
            shutil.rmtree(folder, ignore_errors=True)
            raise InputError(
                f"upload: cannot be written ({problem.strerror}). Ask the owner of the server."
            ) from None
        return paths

    def hold(self) -> None:
        """Keep the folder until :meth:`release`, for a job that reads it."""
        with self._lock:
            self._jobs += 1

    def release(self) -> None:
        """A job that reads it is over."""
        with self._lock:
            self._jobs -= 1
        self._drop()

    def close(self) -> None:
        """The session is over."""
        self._closed = True
        self._drop()

    def _drop(self) -> None:
        if self._closed and not self._jobs:
            shutil.rmtree(self.path, ignore_errors=True)
