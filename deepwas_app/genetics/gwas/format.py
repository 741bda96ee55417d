"""Known formats of GWAS summary statistics: facts that the names of their columns do not tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from deepwas_app.genetics.gwas.vocabulary import normal
from deepwas_app.registry import Registry

if TYPE_CHECKING:
    import pyarrow as pa

# Gives the columns by role.
Read = Callable[[Path, dict[str, str]], "pa.Table"]


class Format(NamedTuple):
    """A summary-statistics format.

    Attributes
    ----------
    name : str
        What people call it.
    columns : dict
        Role to the names that its column has; the first one that is there counts. Columns that
        are not named here are read by the vocabulary; ``-``: none of them has this role.
    required : tuple of str
        A file is of this format if it has these columns; ``A|B``: one of them is enough.
    only : frozenset of str
        Where there are any, the file has no other columns than the required ones and these.
    order : int
        A file is of the first format whose columns it has: the more specific come first.
    read : callable, optional
        ``read(path, roles)``, where the roles are not columns of a table.
    """

    name: str
    columns: dict[str, tuple[str, ...]]
    required: tuple[str, ...]
    only: frozenset[str] = frozenset()
    order: int = 0
    read: Read | None = None

    def lacking(self, header: Iterable[str]) -> list[str]:
        """Required columns that a header does not have."""
        names = {*map(normal, header)}
        return [
            needed.replace("|", " or ")
            for needed in self.required
            if names.isdisjoint(map(normal, needed.split("|")))
        ]

    def fits(self, header: Iterable[str]) -> bool:
        """Whether a file with these columns is of this format."""
        header = list(header)
        if self.lacking(header):
            return False
        known = {name for needed in self.required for name in needed.split("|")} | self.only
        return not self.only or {*map(normal, header)} <= {*map(normal, known)}


FORMATS: Registry[Format] = Registry("sumstats_formats", "deepwas_app.genetics.gwas.formats")


def named_columns(
    name: str,
    required: str,
    *,
    only: str = "",
    order: int = 0,
    read: Read | None = None,
    **columns: str,
) -> Format:
    """A format by the names of its columns, which are told apart by letters and digits alone.

    Parameters
    ----------
    name, required, only, order, read
        See :class:`Format`; names of columns parted by spaces.
    **columns : str
        Role to the names of its column, parted by ``|``.
    """
    named = {role: tuple(names.split("|")) for role, names in columns.items()}
    return Format(name, named, (*required.split(),), frozenset(only.split()), order, read)


def recognise(header: Iterable[str]) -> str | None:
    """Name of the format that a row of column names belongs to, None if it is of no known one."""
    header = list(header)
    return next((name for name, format in FORMATS.items() if format.fits(header)), None)
