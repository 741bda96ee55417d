"""What the field calls the columns of its tables of variants and genes."""

from __future__ import annotations

from collections.abc import Iterable

# Names in order of preference, in lower case: files spell them in any.
COLUMNS = {
    "id": ("snp", "rsid", "rs_id", "id", "variant_id", "snpid", "site_ids", "hm_rsid"),
    "chromosome": ("chr", "chrom", "chromosome", "#chrom", "chr_name", "seqname"),
    "position": ("bp", "pos", "physpos", "position", "base_pair_location", "chr_position"),
    "effect_allele": ("a1", "allele1", "effect_allele", "deriv_alleles", "alt"),
    "other_allele": ("a2", "allele2", "other_allele", "anc_alleles", "allele0", "a0", "ref"),
    "frequency": ("a1freq", "a1_freq", "af1", "eaf", "af", "freq", "frq", "maf"),
    "weight": ("beta", "effect_weight", "weight", "ldpred_beta", "a1effect", "a1_effect"),
    "people": ("n", "obs_ct"),
    "block": ("block", "blk"),
    "index": ("index",),
    "start": ("start", "txstart"),
    "stop": ("stop", "end", "txend"),
    "strand": ("strand",),
}

# Row numbers that were written with a table; R calls them X where it reads such a table again.
ROW_NUMBERS = frozenset(("", "unnamed: 0", "__index_level_0__", "row.names", "rownames", "...1"))
_OF_ASSOCIATION = (
    *("beta", "se", "or", "p", "pval", "p_value", "z", "stat", "chisq", "n", "info", "impinfo"),
    *("imputationinfo", "genpos", "cm", "gd"),
)
NO_ANNOTATION = (
    ROW_NUMBERS
    | {name for what, names in COLUMNS.items() if what not in ("frequency",) for name in names}
    | {*_OF_ASSOCIATION}
)
"""Columns of tables of variants that say nothing of what a variant is, in lower case."""


def find_columns(header: Iterable[object], wanted: Iterable[str]) -> dict[str, str]:
    """Which column of a table is what.

    Parameters
    ----------
    header : iterable
        Names of the columns; of two that differ in case alone, the first one counts.
    wanted : iterable of str
        Of :data:`COLUMNS`.

    Returns
    -------
    dict
        What was found, to the name of its column.
    """
    given = {str(name).lower(): str(name) for name in reversed(list(header))}
    found = {}
    for what in wanted:
        there = [given[name] for name in COLUMNS[what] if name in given]
        if there:
            found[what] = there[0]
    return found
