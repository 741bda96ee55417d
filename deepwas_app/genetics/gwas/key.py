"""Keys of variants: chromosome, position and perhaps alleles in one column."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from deepwas_app.genetics.gwas.finding import Finding, share
from deepwas_app.genetics.gwas.vocabulary import BUILDS
from deepwas_app.genetics.tables import NUMBER

# Role to the part of a key that has it.
PARTS = {
    "chromosome": "chromosome",
    "position": "position",
    "reference_allele": "reference_allele",
    "alternate_allele": "alternate_allele",
    "other_allele": "reference_allele",
    "effect_allele": "alternate_allele",
}
_ALLELE = r"[ACGTIDRN]+|<[^>]*>"
_PATTERN = (
    r"(?i)^(?:chr)?(?P<chromosome>[0-9]{1,2}|[XYM]|MT|XY)[:_-](?P<position>[0-9]+)"
    rf"(?:[:_/-](?P<reference_allele>{_ALLELE})[:_/,-](?P<alternate_allele>{_ALLELE}))?"
    r"(?:[:_](?:b|hg|grch)?(?P<build>37|38|19)|[:_](?:SNP|INDEL|ID))?$"
)
_KEY = re.compile(_PATTERN)
_RSID = re.compile(r"rs[0-9]+.*")


def take_names(finding: Finding) -> str | None:
    """Find the name of the variants, and their place where it is in a key.

    Returns
    -------
    Column of a key with alleles, if there is one.
    """
    values = finding.head.columns
    named = [c.column for c in finding.of("id")] or [finding.roles.get("id", "")]
    named = [*dict.fromkeys([finding.roles.get("key", ""), *named])]
    named = [column for column in named if values.get(column)]
    keys = [column for column in named if share(values[column], _KEY) > 0.5]
    rsids = [column for column in named if share(values[column], _RSID) >= 0.5]
    for column in [*rsids, *(c for c in named if c not in keys), *keys][:1]:
        finding.take("id", column, "its name" + (", and values rs..." if rsids else ""))

    for candidate in finding.of("position")[:1]:
        finding.take("position", candidate.column, "its name")
        finding.build = candidate.build or finding.build
    for candidate in finding.of("chromosome")[:1]:
        finding.take("chromosome", candidate.column, "its name")
    keys.sort(key=lambda c: (finding.off(finding.build_of(c)), not has_alleles(values[c])))
    if keys and not {"chromosome", "position"} <= {*finding.roles}:
        for role in ("chromosome", "position"):
            finding.roles.pop(role, None)
            finding.take(role, keys[0], f"values such as {values[keys[0]][0]}")
    finding.roles.pop("key", None)
    finding.keys = keys
    return next((column for column in keys if has_alleles(values[column])), None)


def has_alleles(values: list[str]) -> bool:
    """Whether most of the first keys end in two alleles."""
    found = [_KEY.fullmatch(value) for value in values[:100]]
    return sum(bool(m and m["alternate_allele"]) for m in found) > len(found) / 2


def part_of(key: str, part: str) -> str:
    """One of the values of :data:`PARTS`; empty where the key has it not."""
    match = _KEY.fullmatch(key)
    return (match[part] or "") if match else ""


def build_of_values(values: list[str]) -> str | None:
    """Genome build at the end of a key, as in 22_100_G_A_b37."""
    match = _KEY.fullmatch(values[0]) if values else None
    return BUILDS[match["build"]] if match and match["build"] else None


def split_keys(column: Any) -> dict[str, Any]:
    """The parts of keys as columns of a table; null where a value is none."""
    parts = pc.extract_regex(column, pattern=_PATTERN)
    found = {part: pc.struct_field(parts, part) for part in {*PARTS.values()}}
    empty = {part: pc.equal(text, "") for part, text in found.items()}
    found = {
        part: pc.if_else(empty[part], pa.scalar(None, pa.string()), text)
        for part, text in found.items()
    }
    return {
        part: text.cast(NUMBER) if part == "position" else text.dictionary_encode()
        for part, text in found.items()
    }
