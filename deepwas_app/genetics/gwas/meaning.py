"""Which column of summary statistics holds what: by its name, its values and known formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.gwas.allele_roles import take_alleles, take_frequency
from deepwas_app.genetics.gwas.finding import NO_COLUMN, Finding
from deepwas_app.genetics.gwas.format import FORMATS, recognise
from deepwas_app.genetics.gwas.head import Fact, Head, read_head
from deepwas_app.genetics.gwas.key import PARTS, build_of_values, part_of, take_names
from deepwas_app.genetics.gwas.scale import take_p
from deepwas_app.genetics.gwas.vocabulary import EFFECTS, P_ROLES, ROLES, normal

# In place of the name of a format.
BY_NAME = "by the names of its columns"
_SHOWN = 3
_ALLELES = ("effect_allele", "other_allele")
# Columns that tell of the rows; they are found last, by their names alone.
_PLAIN = (
    *("z", "beta", "odds_ratio", "se", "statistic", "effective_n", "half_effective_n"),
    *("cases", "controls", "n", "info", "test", "flag", "population"),
)
_UNNEEDED = ("key",)
_PEOPLE = ("n", "cases", "controls", "effective_n", "half_effective_n")


class Understood(NamedTuple):
    """One thing that is understood of a file.

    Attributes
    ----------
    role : str
        One of :data:`deepwas_app.genetics.gwas.vocabulary.ROLES`, or build.
    column : str
        The column that has it; "" where it is said elsewhere.
    why : str
        How it is known, in words.
    values : tuple of str
        The first values.
    """

    role: str
    column: str
    why: str
    values: tuple[str, ...]


class Meaning(NamedTuple):
    """What is understood of a file of summary statistics.

    Attributes
    ----------
    path : Path
        The file.
    format : str
        A name of :data:`deepwas_app.genetics.gwas.format.FORMATS`, or :data:`BY_NAME`.
    understood : list of Understood
        In the order of the roles.
    names : list of str
        All columns.
    facts : dict
        n, cases, controls and build, where they are said for the whole study.
    asks : list of str
        What must be said by hand before the file can be read, each as one line.
    lacks : sequence of str
        What is needed and no column was found for; `asks` asks for it.
    doubt : str
        One line if it is not certain which of two alleles the effect counts, else "".
    split : mapping
        Role to the part of a key that has it, where its column holds keys.
    populations : sequence of str
        Those that the file has columns for, such as beta_EUR.
    passed : mapping
        Column that is not used to the role for which another one was taken.
    """

    path: Path
    format: str
    understood: list[Understood]
    names: list[str]
    facts: dict[str, Any]
    asks: list[str]
    lacks: Sequence[str] = ()
    doubt: str = ""
    split: Mapping[str, str] = {}
    populations: Sequence[str] = ()
    passed: Mapping[str, str] = {}

    @property
    def roles(self) -> dict[str, str]:
        """Column by role."""
        return {one.role: one.column for one in self.understood if one.column}

    @property
    def tells_people(self) -> bool:
        """Whether the file says sample sizes, of its rows or of the whole study."""
        return not {*_PEOPLE}.isdisjoint({one.role for one in self.understood})

    @property
    def build_why(self) -> str:
        """Where the file says its genome build."""
        return next((one.why for one in self.understood if one.role == "build"), "")

    @property
    def unused(self) -> list[str]:
        """Columns without a role."""
        used = {one.column for one in self.understood}
        return [name for name in self.names if name not in used]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The table for people and for records; last the columns without a role."""
        found = [one._asdict() | {"values": list(one.values)} for one in self.understood]
        rest = [
            {"role": "", "column": name, "why": self._unused(name), "values": []}
            for name in self.unused
        ]
        return found + rest

    def _unused(self, column: str) -> str:
        taken = self.roles.get(self.passed.get(column, ""))
        return f"not used: {taken} goes before it" if taken else "not used"


def understand(
    path: str | Path,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    *,
    population: str = "",
    build: str = "",
) -> Meaning:
    """Tell what each column of a file of summary statistics holds.

    Parameters
    ----------
    path : path
        The file, of which only the beginning is read.
    format : str
        A name of :data:`deepwas_app.genetics.gwas.format.FORMATS`, or "auto".
    columns : mapping, optional
        Role to column, as the user says; these go before all else.
    population : str
        Of a file with columns per population, such as beta_EUR.
    build : str
        Genome build that is preferred where a file has positions on several.

    Returns
    -------
    Meaning
        With questions in it where the file does not tell enough.

    Raises
    ------
    InputError
        If the file cannot be read, or what the user says does not fit it.
    """
    head = read_head(path)
    said = dict(columns or {})
    name = recognise(head.names) if format == "auto" else format
    _check_said(head, name, format, said)
    if name and FORMATS[name].read:
        return _packed(head, name, said)
    finding = Finding(head, said, population, build)
    if name:
        _take_facts(finding, name)
    key = take_names(finding)
    doubt = take_alleles(finding, key)
    take_frequency(finding)
    for role in _PLAIN:
        for candidate in finding.of(role)[:1]:
            finding.take(role, candidate.column, "its name")
    take_p(finding)
    _drop_unneeded(finding)
    roles = finding.roles
    # What is asked may be what is missing.
    lacks = [] if finding.asks else _missing(roles)
    asks = finding.asks or _asked(head, lacks)
    facts = _whole_study(finding)
    split = {r: part for r, part in PARTS.items() if roles.get(r) in finding.keys}
    understood = [
        Understood(role, roles[role], finding.why[role], _shown(head, roles[role], split.get(role)))
        for role in ROLES
        if role in roles
    ]
    understood += [Understood(f.role, "", f.why, (_number(f.value),)) for f in facts]
    told = {fact.role: fact.value for fact in facts}
    return Meaning(
        head.path,
        name or BY_NAME,
        understood,
        head.names,
        told,
        asks,
        lacks,
        doubt,
        split,
        finding.populations,
        {c.column: c.role for c in reversed(finding.candidates) if c.role in roles},
    )


def _check_said(head: Head, name: str | None, format: str, said: Mapping[str, str]) -> None:
    for role, column in said.items():
        if role not in ROLES:
            raise InputError(f"column {role}: no such role. Roles are {', '.join(ROLES)}.")
        if column not in (*head.names, NO_COLUMN) and "FORMAT" not in head.names:
            raise InputError(
                f"{head.path}: has no column {column}. It has {', '.join(head.names[:20])}."
            )
    if name and format != "auto" and not said and (lacking := FORMATS[name].lacking(head.names)):
        raise InputError(
            f"{head.path}: has no column {', '.join(lacking)}, which {name} files have. "
            "Check the format."
        )


def _take_facts(finding: Finding, name: str) -> None:
    """What is known of the format, aside from what the user says."""
    said = {*finding.said}
    for role, columns in FORMATS[name].columns.items():
        if role in _ALLELES and said & {*_ALLELES}:
            continue
        column = finding.first(" ".join(map(normal, columns)))
        if column and column not in finding.said.values():
            finding.take(role, column, f"so in {name} files")
        elif role not in _ALLELES:
            finding.closed.add(role)


def _drop_unneeded(finding: Finding) -> None:
    """Leave out what others of the same meaning make needless, so that nobody reads it."""
    roles = finding.roles
    needless = [*_UNNEEDED]
    if "other_allele" in roles:
        needless += [r for r in ("reference_allele", "alternate_allele") if r not in finding.said]
    if "effective_n" in roles:
        needless.append("half_effective_n")
    for role in needless:
        roles.pop(role, None)
    if "beta" in roles and "odds_ratio" in roles:
        finding.why["odds_ratio"] += f"; used where {roles['beta']} is missing"
    if "z" in roles:
        for role in {*EFFECTS[1:]} & {*roles}:
            finding.why[role] += f"; used where {roles['z']} is missing"
    if "statistic" in roles and "se" in roles:
        finding.why["statistic"] += f"; used where {roles['se']} is missing"


def _missing(roles: Mapping[str, str]) -> list[str]:
    """What no column was found for, of what is needed."""
    return [
        what
        for there, what in (
            (
                "id" in roles or {"chromosome", "position"} <= {*roles},
                "id, or chromosome and position",
            ),
            ("effect_allele" in roles, "effect_allele"),
            (any(role in roles for role in EFFECTS), "z, beta or odds_ratio"),
            (
                "z" in roles or any(r in roles for r in ("se", "statistic", *P_ROLES)),
                "standard error or P",
            ),
        )
        if not there
    ]


def _asked(head: Head, lacks: Sequence[str]) -> list[str]:
    """The line that asks for what is missing, if anything is."""
    if not lacks:
        return []
    first, *others = lacks
    return [
        f"{head.path}: has no column for {first} by any name that is known"
        f"{', nor for ' * bool(others)}{'; '.join(others)}; it has "
        f"{', '.join(head.names[:20])}. Name it with --column ROLE=NAME (roles: "
        f"{', '.join(ROLES)})."
    ]


def _whole_study(finding: Finding) -> list[Fact]:
    """What is said for all rows: above the header, beside the file, or in names of columns."""
    roles = finding.roles
    facts = {fact.role: fact for fact in reversed(finding.head.facts)}
    for role, people in (("frequency_cases", "cases"), ("frequency_controls", "controls")):
        column = roles.get(role, "")
        count = column.rpartition("_")[2]
        if column.upper().startswith(("FRQ_A_", "FRQ_U_")) and count.isdigit():
            facts.setdefault(people, Fact(people, float(count), f"in the name {column}"))
    column = roles.get("position", "")
    build = finding.build_of(column) or build_of_values(finding.head.columns.get(column, []))
    if build:
        facts["build"] = Fact("build", build, f"in the name {column}")
    named = roles.get("chromosome", "")
    if said := chromosomes.build_of(finding.head.columns.get(named, [])):
        facts["build"] = Fact("build", said, f"by the accessions in {named}")
    if finding.head.columns.get(roles.get("effective_n", "")):
        facts = {role: fact for role, fact in facts.items() if role == "build"}
    return [facts[role] for role in ("n", "cases", "controls", "build") if role in facts]


def _shown(head: Head, column: str, part: str | None) -> tuple[str, ...]:
    # Bytes that are no text are not for screens.
    values = [v.encode(errors="replace").decode() for v in head.columns[column][:_SHOWN]]
    return tuple(part_of(value, part) for value in values) if part else tuple(values)


def _number(value: Any) -> str:
    return f"{value:.0f}" if isinstance(value, float) else str(value)


def _packed(head: Head, name: str, said: Mapping[str, str]) -> Meaning:
    """Of a format whose statistics are packed in one field; its first row tells which."""
    columns = {role: names[0] for role, names in FORMATS[name].columns.items()} | {**said}
    columns = {role: column for role, column in columns.items() if column != NO_COLUMN}
    keys: list[str] = []
    for format in head.columns.get("FORMAT", []):
        keys += [key for key in format.split(":") if key not in keys]
    first = _unpacked(head)
    understood = []
    for role in ROLES:
        column = columns.get(role)
        if column in head.names:
            values = tuple(head.columns[column][:_SHOWN])
        elif column in keys:
            values = tuple(row[column] for row in first if row.get(column))[:_SHOWN]
        else:
            continue
        why = "as you say" if role in said else f"so in {name} files"
        understood.append(Understood(role, column, why, values))
    facts = [] if "n" in {one.role for one in understood} else head.facts
    facts = [*facts, *(f for f in head.facts if f.role == "build" and f not in facts)]
    understood += [Understood(f.role, "", f.why, (_number(f.value),)) for f in facts]
    told = {fact.role: fact.value for fact in facts}
    return Meaning(head.path, name, understood, head.names, told, [])


def _unpacked(head: Head) -> list[dict[str, str]]:
    formats = head.columns.get("FORMAT", [])
    samples = head.columns.get(head.names[-1], [])
    return [
        dict(zip(keys.split(":"), values.split(":"), strict=False))
        for keys, values in zip(formats[:20], samples[:20], strict=False)
    ]
