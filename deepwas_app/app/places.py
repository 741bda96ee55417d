"""The one door for paths that visitors name: which files of the server they may have read.

Every path from a browser (an address, a form, an attribute of a study) goes through
:meth:`Places.admit` before anything looks whether it exists.
"""

import glob
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.gene_distance import GENES
from deepwas_app.genetics.patterns import CHROMOSOME, is_pattern

# What comes after a path of annotations and is a path itself: a thin .annot's .bim.
_PATH = re.compile(r"[./~]")


class Places:
    """Which files of the server one visitor may name.

    Parameters
    ----------
    roots
        Folders and studies whose files may be read, the data root first. None: any file, as for a
        person who works on a machine of their own.
    private
        A folder among them that holds what visitors uploaded: of it only `own`.
    own
        What this visitor uploaded.
    """

    def __init__(
        self, roots: list[Path] | None = None, private: Path | None = None, own: Path | None = None
    ) -> None:
        self._base = None if roots is None else Path(os.path.abspath(roots[0]))
        self._roots = [_real(root) for root in roots or []]
        self._private, self._own = (path and _real(path) for path in (private, own))

    def admit(self, words: str) -> str:
        """A path or pattern that was typed, absolute where not the whole disk is open.

        Raises
        ------
        InputError
            Where it leads elsewhere, in the same words whether anything is there or not.
        """
        if self._base is None or words in ("", GENES):
            return words
        whole = self._inside(words)
        pattern, mark, choice = words.partition("#")
        if not mark or os.path.exists(whole):
            return whole
        if _PATH.search(choice):
            choice = self._inside(choice)
        return f"{self._inside(pattern)}#{choice}"

    def allows(self, words: str) -> bool:
        """Whether a path would be admitted."""
        try:
            self.admit(words)
        except InputError:
            return False
        return True

    def _inside(self, words: str) -> str:
        assert self._base is not None
        try:
            path = self._base / Path(words).expanduser()
            with suppress(FileNotFoundError, NotADirectoryError):
                os.lstat(path)
            if ".." in path.parts or not all(map(self._holds, _meant(path))):
                raise ValueError
        except (OSError, RuntimeError, ValueError):
            raise InputError(
                f"{words}: is not among the files that this server shows. Give a path in its data "
                "folder, or upload the file."
            ) from None
        return str(path)

    def _holds(self, path: str | Path) -> bool:
        """Whether a path is inside, wherever symbolic links lead."""
        real = _real(path)
        if not any(real.is_relative_to(root) for root in self._roots):
            return False
        if self._private is None or not real.is_relative_to(self._private):
            return True
        return self._own is not None and real.is_relative_to(self._own)


def _real(path: str | Path) -> Path:
    return Path(os.path.realpath(path))


def _meant(path: Path) -> Iterator[str | Path]:
    """All that is read where a path or pattern is named: also what is beside it and in it.

    Genotypes are a prefix, tracks and metadata lie beside their file, and stores and LD are
    folders. What lies outside is not looked at before the caller has seen the path that leads
    there.
    """
    fixed = next((p for p in reversed(path.parents) if is_pattern(p)), path).parent
    yield fixed
    if not is_pattern(path):
        yield path
    pattern = str(path).replace(CHROMOSOME, "*")
    if not is_pattern(path):
        pattern = glob.escape(str(path.parent / path.name.partition(".")[0]))
    for found in glob.iglob(f"{pattern}*"):
        yield found
        for folder, names, files in os.walk(found):
            yield from (
                whole for n in names + files if os.path.islink(whole := os.path.join(folder, n))
            )
