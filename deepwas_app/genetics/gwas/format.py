"""The formats of GWAS summary statistics: which column plays which role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from deepwas_app.errors import InputError
from deepwas_app.registry import Registry

if TYPE_CHECKING:
    import pyarrow as pa

ROLES = {
    "id": "rsID or other name",
    "chromosome": "chromosome",
    "position": "1-based position",
    "effect_allele": "allele that the effect counts",
    "other_allele": "the other allele",
    "reference_allele": "one of two alleles of which the other one is the effect allele",
    "alternate_allele": "one of two alleles of which the other one is the effect allele",
    "frequency": "frequency of the effect allele",
    "z": "z-score",
    "beta": "effect",
    "odds_ratio": "odds or hazard ratio",
    "se": "standard error of the effect, or of the log odds ratio",
    "statistic": "z or t statistic, used where there is no standard error",
    "p": "P",
    "neg_log10_p": "-log10 P",
    "n": "sample size",
    "cases": "number of cases",
    "controls": "number of controls",
    "test": "name of the test; rows other than ADD are left out",
}
EFFECTS = ("z", "beta", "odds_ratio")
TEXT_ROLES = ("id",)
LEVEL_ROLES = (
    "chromosome",
    "effect_allele",
    "other_allele",
    "reference_allele",
    "alternate_allele",
    "test",
)


# Gives the columns by role, the roles that were found, and n, cases and controls of the study.
Read = Callable[[Path, dict[str, str]], "tuple[pa.Table, dict[str, str], Any]"]


class Format(NamedTuple):
    """A summary-statistics format.

    Attributes
    ----------
    name : str
        What people call it.
    columns : dict
        Role to the names that its column has; the first one that is there counts.
    required : tuple of str
        A file is of this format if it has these columns; ``A|B``: one of them is enough.
    order : int
        A file is of the first format whose columns it has: the more specific come first.
    read : callable, optional
        ``read(path, roles)``, where the roles are not columns of a table.
    """

    name: str
    columns: dict[str, tuple[str, ...]]
    required: tuple[str, ...]
    order: int = 0
    read: Read | None = None


FORMATS: Registry[Format] = Registry("sumstats_formats", "deepwas_app.genetics.gwas.formats")


def named_columns(
    name: str, required: str, order: int = 0, read: Read | None = None, **columns: str
) -> Format:
    """A format by the names of its columns.

    Parameters
    ----------
    name, required, order, read
        See :class:`Format`; the required columns parted by spaces.
    **columns : str
        Role to the names of its column, parted by ``|``.
    """
    named = {role: tuple(names.split("|")) for role, names in columns.items()}
    return Format(name, named, (*required.split(),), order, read)


def recognise(header: Iterable[str]) -> str | None:
    """Name of the format that a row of column names belongs to, None if unknown."""
    names = set(header)
    for name, format in FORMATS.items():
        if not _lacking(format, names):
            return name
    return None


def _lacking(format: Format, names: set[str]) -> list[str]:
    return [
        needed.replace("|", " or ")
        for needed in format.required
        if names.isdisjoint(needed.split("|"))
    ]


def mapping(
    path: Path, header: list[str], format: str, override: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Which column of a file plays which role.

    Parameters
    ----------
    path : path
        For errors.
    header : list of str
        Column names.
    format : str
        A name of :data:`FORMATS`, or "auto".
    override : mapping
        Role to column, as the user says; these go before those of the format.

    Returns
    -------
    Name of the format ("custom" for one that is only in ``override``), and role to column.

    Raises
    ------
    InputError
        If the format is unknown, or a role that is needed has no column.
    """
    names = set(header)
    for role, column in override.items():
        if role not in ROLES:
            raise InputError(f"column {role}: no such role. Roles are {', '.join(ROLES)}.")
        if column not in names and "FORMAT" not in names:
            raise InputError(f"{path}: has no column {column}. It has {', '.join(header[:20])}.")
    name = (recognise(header) or "custom") if format == "auto" else format
    if name not in FORMATS and not (name == "custom" and override):
        raise InputError(
            f"{path}: its columns ({', '.join(header[:12])}) are of no known format. "
            f"Known are {', '.join(FORMATS)}; or say which column is which (effect_allele=...)."
        )
    found = {}
    if name in FORMATS and FORMATS[name].read:
        # Most roles are keys within a field, which only the rows tell.
        return name, {role: c[0] for role, c in FORMATS[name].columns.items()} | {**override}
    if name in FORMATS:
        if format != "auto" and (lacking := _lacking(FORMATS[name], names)) and not override:
            raise InputError(
                f"{path}: has no column {', '.join(lacking)}, which {name} files have. "
                "Check the format."
            )
        for role, columns in FORMATS[name].columns.items():
            if there := [column for column in columns if column in names]:
                found[role] = there[0]
    if any(role in EFFECTS for role in override):
        found = {role: c for role, c in found.items() if role not in EFFECTS}
    found |= override
    _check_roles(path, found)
    return name, found


def _check_roles(path: Path, found: Mapping[str, str]) -> None:
    other = "other_allele" in found or {"reference_allele", "alternate_allele"} <= {*found}
    for there, what in (
        ("id" in found or {"chromosome", "position"} <= {*found}, "id, or chromosome and position"),
        ("effect_allele" in found, "effect_allele"),
        (other, "other_allele"),
        (any(role in found for role in EFFECTS), "z, beta or odds_ratio"),
        (
            "z" in found or any(r in found for r in ("se", "statistic", "p", "neg_log10_p")),
            "standard error or P",
        ),
    ):
        if not there:
            raise InputError(
                f"{path}: has no column for {what}. Name it with --column ROLE=NAME "
                f"(roles: {', '.join(ROLES)})."
            )
