"""What is found of a file's columns while it is being understood."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from deepwas_app.errors import InputError
from deepwas_app.genetics.gwas.head import Head
from deepwas_app.genetics.gwas.vocabulary import (
    EFFECTS,
    P_ROLES,
    POPULATIONS,
    build_in,
    meanings,
    normal,
)

_POPULATION = re.compile(rf"(.+?)[_.]({'|'.join(POPULATIONS.split())})", re.I)
# Said in place of a column: none of them has the role.
NO_COLUMN = "-"
# Columns that a file may have once per population.
_STATISTICS = {
    *EFFECTS, *P_ROLES, "se", "statistic", "n", "cases", "controls", "effective_n", "flag",
    "frequency", "frequency_cases", "frequency_controls", "minor_frequency", "info",
}  # fmt: skip
# Words that are an allele in some files and a number in others.
_TWOFOLD = ("effect", "other", "risk")
_LETTERS, _NUMBER = re.compile(r"[A-Za-z<>:*-]+"), re.compile(r"[-+.,eE\d]+")


class Candidate(NamedTuple):
    """A column that may have a role, by its name."""

    column: str
    role: str
    rank: int
    owner: str
    build: str | None


class Finding:
    """Columns by role, and why, as they are found one after the other.

    Parameters
    ----------
    head
        How the file begins.
    said
        Role to column, as the user says.
    population
        Of a file with columns per population.
    build
        Genome build that is preferred where a file has positions on several.
    """

    def __init__(self, head: Head, said: Mapping[str, str], population: str, build: str):
        self.head, self.said, self.build = head, said, build
        self.roles: dict[str, str] = {}
        self.why: dict[str, str] = {}
        self.asks: list[str] = []
        self.closed: set[str] = set()
        """Roles that no further column is taken for."""
        for role, column in said.items():
            if column == NO_COLUMN:
                self.closed.add(role)
            else:
                self.take(role, column, "as you say")
        if {*self.roles} & {*EFFECTS}:
            self.closed |= {*EFFECTS}
        self.keys: list[str] = []
        """Columns whose values are keys of variants."""
        self.populations: list[str] = []
        """Those that the file has columns for."""
        self.spelt = self._of_population(population)
        self.candidates = list(self._candidates())

    def take(self, role: str, column: str, why: str) -> None:
        """Give a column a role, unless the role is given already."""
        if role not in self.roles and role not in self.closed:
            self.roles[role], self.why[role] = column, why

    def of(self, role: str) -> list[Candidate]:
        """Columns that may have a role, the best first; none where it is given already."""
        if role in self.closed or role in self.roles:
            return []
        taken = {*self.roles.values()}
        free = [c for c in self.candidates if c.role == role and c.column not in taken]
        return sorted(free, key=lambda c: (self.off(c.build), c.rank))

    def off(self, build: str | None) -> int:
        """How far a column's build is from the preferred one: 0, 1 where it is not said, or 2."""
        return 1 if build is None else 0 if build == self.build else 2

    def build_of(self, column: str) -> str | None:
        """Genome build in the name of a column."""
        return build_in(self.spelt.get(column, column))[1]

    def first(self, names: str) -> str | None:
        """The column of one of these names."""
        for name in names.split():
            for column, spelt in self.spelt.items():
                if normal(build_in(spelt)[0]) == name:
                    return column
        return None

    def _candidates(self) -> list[Candidate]:
        found = []
        for column, spelt in self.spelt.items():
            bare, build = build_in(spelt)
            # A name may be nothing but its build.
            for word in meanings(bare) or meanings(spelt):
                if self._holds(column, word.role):
                    found.append(Candidate(column, word.role, word.rank, word.owner, build))
        return found

    def _holds(self, column: str, role: str) -> bool:
        """Whether the values may be what a name that means several things stands for."""
        values = self.head.columns[column]
        if role == "position" and values and not share(values, _NUMBER):
            # chr_pos may be a key.
            return False
        if normal(column) not in _TWOFOLD:
            return True
        return (share(values, _LETTERS) > 0.5) == role.endswith("_allele")

    def _of_population(self, population: str) -> dict[str, str]:
        """Columns with what they are called aside from the population that is asked for."""
        names = self.head.names
        parted = {c: match for c in names if (match := _POPULATION.fullmatch(c))}
        parted = {
            c: match
            for c, match in parted.items()
            if any(word.role in _STATISTICS for word in meanings(match[1]))
        }
        effects = {c for c in names if any(w.role in EFFECTS for w in meanings(c))}
        there = {
            match[2].lower(): match[2]
            for match in parted.values()
            if any(word.role in EFFECTS for word in meanings(match[1]))
        }
        plain = bool(effects - {*parted})
        self.populations = list(there.values())
        by_row = any(word.role == "population" for c in names for word in meanings(c))
        if population and population.lower() not in there and not by_row:
            has = f"It has {', '.join(there.values())}." if there else "It has none."
            raise InputError(
                f"{self.head.path}: has no columns of the population {population}. {has}"
            )
        if not there or (plain and population.lower() not in there):
            return {name: name for name in names}
        if len(there) > 1 and not population:
            self.asks.append(
                f"{self.head.path}: has columns per population ({', '.join(there.values())}). "
                f"Choose one, as --population {_largest(there.values())}."
            )
        # None of several is taken before it is chosen.
        chosen = population.lower() or (next(iter(there)) if len(there) == 1 else "")
        spelt = {}
        for name in names:
            match = parted.get(name)
            if match is None:
                if not (population and name in effects):
                    spelt[name] = name
            elif match[2].lower() == chosen:
                spelt[name] = match[1]
        return spelt


def _largest(populations: object) -> str:
    names = list(populations)  # type: ignore[call-overload]
    return next((name for name in names if name.upper() == "EUR"), names[0])


def share(values: list[str], pattern: re.Pattern[str]) -> float:
    """Share of the first values that a pattern fits."""
    some = values[:100]
    return sum(bool(pattern.fullmatch(value)) for value in some) / len(some) if some else 0.0
