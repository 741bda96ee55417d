"""Which columns are the effect and the other allele, and whose the frequency is."""

from __future__ import annotations

from deepwas_app.genetics.gwas.finding import Candidate, Finding
from deepwas_app.genetics.gwas.vocabulary import PAIRS, build_in, normal

# What frequencies call the two alleles of each pair.
_OWNERS = (("1", "2"), ("1", "0"), ("b", "a"), ("minor", "major"))
# Rank of a frequency that may be of the effect or of the other allele, row by row.
_OF_A_COLUMN = 3
_REFERENCE = ("reference_allele", "alternate_allele")


def take_alleles(finding: Finding, key: str | None) -> str:
    """Find the effect and the other allele.

    Parameters
    ----------
    finding
        What is found so far.
    key
        Column whose values hold both alleles, the reference first, if there is one.

    Returns
    -------
    One line if it is not certain which of two alleles the effect counts, else "".
    """
    for role in ("effect_allele", "other_allele"):
        for candidate in finding.of(role)[:1]:
            finding.take(role, candidate.column, "its name")
    pair = _pair(finding)
    effect, other = finding.roles.get("effect_allele"), finding.roles.get("other_allele")
    if effect and other:
        return ""
    if effect:
        _other_of(finding, effect, pair, key)
        return ""
    if other:
        return _effect_beside(finding, other, pair)
    if pair and pair[0] and pair[1]:
        return _either(finding, pair[0], pair[1])
    reference, alternate = (_free(finding, role) for role in _REFERENCE)
    if pair:
        lone = next(column for column in pair if column)
        finding.take("effect_allele", lone, "the one allele that is named")
        _other_of(finding, lone, (None, None), key)
    elif reference and alternate:
        finding.take("effect_allele", alternate, f"ALT counts, beside {reference}")
        finding.take("other_allele", reference, f"beside {alternate}")
    elif key:
        finding.take("effect_allele", key, "the last allele of the key, ALT")
        finding.take("other_allele", key, "the first allele of the key, REF")
    return ""


def _pair(finding: Finding) -> tuple[str | None, str | None] | None:
    """Columns of a pair that its names do not tell apart; the first pair that is whole."""
    found = []
    for names in PAIRS:
        one, two = (finding.first(side) for side in names)
        if one and two:
            return one, two
        if (one or two) and names is PAIRS[0]:
            found.append((one, two))
    return found[0] if found else None


def _free(finding: Finding, role: str) -> str | None:
    if role in finding.roles:
        return finding.roles[role]
    return next((candidate.column for candidate in finding.of(role)), None)


def _other_of(
    finding: Finding,
    effect: str,
    pair: tuple[str | None, str | None] | None,
    key: str | None,
) -> None:
    """The other allele of a known effect allele; it may be whichever of two the former is not."""
    if pair and effect in pair:
        partner = pair[1 - pair.index(effect)]
        if partner:
            finding.take("other_allele", partner, f"beside {effect}")
            return
    elif pair and all(pair):
        _one_of_two(finding, *(column for column in pair if column), effect=effect)
        return
    elif pair:
        lone = next(column for column in pair if column)
        finding.take("other_allele", lone, f"beside {effect}")
        return
    reference, alternate = (_free(finding, role) for role in _REFERENCE)
    if reference and alternate and effect not in (reference, alternate):
        _one_of_two(finding, reference, alternate, effect=effect)
    elif reference or alternate:
        beside = alternate if effect == reference else reference or alternate
        if beside and beside != effect:
            finding.take("other_allele", beside, f"beside {effect}")
    elif key:
        _one_of_two(finding, key, key, effect=effect)


def _one_of_two(finding: Finding, one: str, two: str, *, effect: str) -> None:
    why = f"the other allele is whichever of the two {effect} is not"
    finding.take("reference_allele", one, why)
    finding.take("alternate_allele", two, why)


def _effect_beside(finding: Finding, other: str, pair: tuple[str | None, str | None] | None) -> str:
    """The effect allele where only the other one is told by its name."""
    reference, alternate = (_free(finding, role) for role in _REFERENCE)
    choices = [*(pair or ()), alternate, reference]
    if pair and other in pair:
        choices = [pair[1 - pair.index(other)]]
    elif other == alternate:
        choices = [reference]
    for column in choices:
        if column and column != other:
            finding.take("effect_allele", column, f"the allele beside {other}")
            break
    return ""


def _either(finding: Finding, one: str, two: str) -> str:
    """Of a pair such as A1 and A2: the one that the frequency is named for, or a doubt."""
    owned = {candidate.owner: candidate.column for candidate in finding.of("frequency")}
    number = next(
        i for i, names in enumerate(PAIRS) if (one, two) == tuple(map(finding.first, names))
    )
    first, second = _OWNERS[number]
    if second in owned and first not in owned:
        one, two, first = two, one, second
    certain = first in owned or number == 1
    why = f"the frequency {owned[first]} is named for it" if first in owned else f"beside {two}"
    finding.take("effect_allele", one, why if certain else f"not certain: it or {two}")
    finding.take("other_allele", two, f"beside {one}" if certain else f"not certain: it or {one}")
    if certain:
        return ""
    return (
        f"{finding.head.path}: does not say which allele the effect counts, {one} or {two}. Say "
        f"--column effect_allele={one} other_allele={two}, or --column effect_allele={two} "
        f"other_allele={one}."
    )


def take_frequency(finding: Finding) -> None:
    """Find the frequency, and whose it is: of the effect, the other, or a named allele."""
    if "frequency" in finding.roles:
        return
    ranked = [_owned(finding, candidate) for candidate in finding.of("frequency")]
    ranked += [
        (2, "frequency_other", candidate, "its name")
        for candidate in finding.of("frequency_other")[:1]
    ]
    known = [one for one in ranked if one is not None]
    if known:
        rank, role, best, why = min(known, key=lambda one: one[0])
        if rank == _OF_A_COLUMN:
            whose = finding.roles[f"{best.owner}_allele"]
            finding.take("frequency_allele", whose, f"{best.column} is of it")
        finding.take(role, best.column, why)
        return
    minor = finding.of("minor_frequency")
    owner = finding.first("minorallele")
    if minor and owner:
        finding.take("frequency", minor[0].column, f"of {owner}")
        finding.take("frequency_allele", owner, f"{minor[0].column} is of it")
        return
    for role in ("frequency_cases", "frequency_controls"):
        for candidate in finding.of(role)[:1]:
            finding.take(role, candidate.column, "its name")
    if minor and "frequency_controls" not in finding.roles:
        finding.take("minor_frequency", minor[0].column, "not used: it is not said whose it is")


def _owned(finding: Finding, candidate: Candidate) -> tuple[int, str, Candidate, str] | None:
    """How good a frequency is, its role, and why; None if its allele is none of the file's."""
    effect, other = (finding.roles.get(f"{which}_allele") for which in ("effect", "other"))
    owner = candidate.owner
    if owner in ("effect", _label(effect)):
        return 0, "frequency", candidate, f"of {effect}, by its name"
    if not owner:
        return 1, "frequency", candidate, "its name; taken as the effect allele's"
    if owner == _label(other):
        return 2, "frequency_other", candidate, f"of {other}, by its name"
    if finding.roles.get(f"{owner}_allele"):
        return _OF_A_COLUMN, "frequency", candidate, "of this allele, by its name"
    return None


def _label(column: str | None) -> str:
    """What a frequency would call this allele."""
    short = normal(build_in(column or "")[0])
    for names, labels in zip(PAIRS, _OWNERS, strict=True):
        for side, label in zip(names, labels, strict=True):
            if short in side.split():
                return label
    if short.startswith(("ref", "hgref")):
        return "reference"
    return "alternate" if short.startswith(("alt", "hgalt")) else "none"
