"""Files by pattern: one path may mean many, by globs and by ``{CHR}``."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path

from deepwas_app.errors import InputError
from deepwas_app.genetics.chromosomes import ORDER

CHROMOSOME = "{CHR}"


def is_pattern(path: object) -> bool:
    """Whether a path may mean several files."""
    text = str(path)
    return CHROMOSOME in text or any(mark in text for mark in "*?[")


def expand(
    pattern: str | Path, chromosomes: Iterable[str] = tuple(ORDER), ending: str = ""
) -> list[str]:
    """Paths that a pattern means.

    Parameters
    ----------
    pattern : str
        A path, with ``*``, ``?``, ``[...]`` and ``{CHR}`` allowed.
    chromosomes : iterable of str
        Those that ``{CHR}`` stands for, as far as there are such files.
    ending : str
        What the files are called beyond the pattern, such as ``.bed`` of a prefix; it is not in
        what is given back.

    Returns
    -------
    Sorted, but by chromosome first. A path that is no pattern is given back as it is, whether
    there is such a file or not.

    Raises
    ------
    InputError
        If a pattern matches no file.
    """
    text = str(pattern)
    if not is_pattern(text) or Path(text + ending).expanduser().exists():
        return [text]
    if CHROMOSOME not in text:
        paths = _matches(text, ending)
        if not paths:
            raise InputError(f"{text}{ending}: matches no file. Check the path.")
        return paths
    several = [_matches(text.replace(CHROMOSOME, name), ending) for name in chromosomes]
    paths = [path for found in several for path in found]
    if not paths:
        raise InputError(f"{text}{ending}: no chromosome of the study has such a file. Check it.")
    return paths


def only(pattern: str | Path) -> str:
    """The path that a pattern means, where several files are of no use.

    Raises
    ------
    InputError
        If it matches no file, or several.
    """
    paths = expand(pattern)
    if len(paths) > 1:
        raise InputError(
            f"{pattern}: means {len(paths)} files ({', '.join(paths[:3])}), where one is asked "
            "for. Name one."
        )
    return paths[0]


def _matches(pattern: str, ending: str) -> list[str]:
    path = str(Path(pattern + ending).expanduser())
    found = [path] if Path(path).exists() else sorted(glob.glob(path))
    return [name[: len(name) - len(ending)] if ending else name for name in found]
