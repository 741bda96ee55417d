"""Checks of summary statistics that stop before a study is written, and can be overruled by name.

Each looks for one way in which files are known to be wrong, and finds nothing in files that are
right; what it looks at is in :mod:`deepwas_app.genetics.gwas.plausible`.
"""

from collections.abc import Iterable, Mapping

from deepwas_app.errors import InputError

CHECKS = {
    "p-range": "P is between 0 and 1 in 99% of the rows",
    "p-and-se": "effect over standard error says the same as P",
    "one-sign": "effects have both signs",
    "frequencies": "frequencies are those of the effect allele, and like the panel's",
    "matches": "more than 1% of the variants are in the panel, most of them with its alleles",
    "ld-signs": "neighbours in strong LD have the signs that it asks for",
}


def judge(where: str, doubts: Mapping[str, str], accepted: Iterable[str]) -> list[str]:
    """Stop at the first doubt that was not accepted; give those that were, for the record.

    Parameters
    ----------
    where
        What is doubted, for the error.
    doubts
        Name of a check to what it found, empty where it found nothing.
    accepted
        Names of checks that are overruled.

    Raises
    ------
    InputError
        With the remedy, and how to overrule the check.
    """
    said = []
    for name, found in doubts.items():
        if found and name not in accepted:
            raise InputError(f"{where}: {found}. If it is right as it is: --accept {name}.")
        if found:
            said.append(f"{found} (accepted)")
    return said
