"""The formats of GWAS summary statistics: which column plays which role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from deepwas_app.errors import InputError

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


class Format(NamedTuple):
    """A summary-statistics format.

    Attributes
    ----------
    columns : dict
        Role to the names that its column has; the first one that is there counts.
    required : tuple of str
        A file is of this format if it has these columns; ``A|B``: one of them is enough.
    """

    columns: dict[str, tuple[str, ...]]
    required: tuple[str, ...]


def _format(required: str, **columns: str) -> Format:
    return Format({role: tuple(c.split("|")) for role, c in columns.items()}, (*required.split(),))


# A file is of the first format whose required columns it has: the more specific come first.
FORMATS: dict[str, Format] = {
    "GWAS-VCF": _format(
        "CHROM POS ID REF ALT QUAL FILTER INFO FORMAT",
        id="ID",
        chromosome="CHROM",
        position="POS",
        effect_allele="ALT",
        other_allele="REF",
        frequency="AF",
        beta="ES",
        se="SE",
        statistic="EZ",
        neg_log10_p="LP",
        n="SS",
        cases="NC",
    ),
    "GWAS-Catalog": _format(
        "hm_chrom hm_pos hm_effect_allele hm_other_allele",
        id="hm_rsid|hm_variant_id",
        chromosome="hm_chrom",
        position="hm_pos",
        effect_allele="hm_effect_allele",
        other_allele="hm_other_allele",
        frequency="hm_effect_allele_frequency",
        beta="hm_beta",
        odds_ratio="hm_odds_ratio",
        se="standard_error",
        p="p_value",
        neg_log10_p="neg_log_10_p_value",
        n="n",
    ),
    "GWAS-SSF": _format(
        "chromosome base_pair_location effect_allele other_allele",
        id="rsid|rs_id|variant_id",
        chromosome="chromosome",
        position="base_pair_location",
        effect_allele="effect_allele",
        other_allele="other_allele",
        frequency="effect_allele_frequency",
        beta="beta",
        odds_ratio="odds_ratio|hazard_ratio",
        se="standard_error",
        p="p_value",
        neg_log10_p="neg_log_10_p_value",
        n="n",
        cases="n_cases|num_cases",
        controls="n_controls|num_controls",
    ),
    "PLINK2": _format(
        "CHROM POS ID A1 TEST|OBS_CT OMITTED|AX|REF OMITTED|AX|ALT",
        id="ID",
        chromosome="CHROM",
        position="POS",
        effect_allele="A1",
        other_allele="OMITTED|AX",
        reference_allele="REF",
        alternate_allele="ALT",
        frequency="A1_FREQ",
        beta="BETA",
        odds_ratio="OR",
        se="SE|LOG(OR)_SE",
        statistic="Z_STAT|T_STAT|Z_OR_F_STAT",
        p="P",
        neg_log10_p="LOG10_P|NEG_LOG10_P",
        n="OBS_CT",
        cases="CASE_CT",
        controls="CTRL_CT",
        test="TEST",
    ),
    "REGENIE": _format(
        "CHROM GENPOS ID ALLELE0 ALLELE1",
        id="ID",
        chromosome="CHROM",
        position="GENPOS",
        effect_allele="ALLELE1",
        other_allele="ALLELE0",
        frequency="A1FREQ",
        beta="BETA",
        se="SE",
        neg_log10_p="LOG10P",
        n="N",
        cases="N_CASES",
        controls="N_CONTROLS",
        test="TEST",
    ),
    "BOLT-LMM": _format(
        "SNP CHR BP ALLELE1 ALLELE0",
        id="SNP",
        chromosome="CHR",
        position="BP",
        effect_allele="ALLELE1",
        other_allele="ALLELE0",
        frequency="A1FREQ",
        beta="BETA",
        se="SE",
        p="P_BOLT_LMM|P_BOLT_LMM_INF|P_LINREG",
        n="N",
    ),
    "SAIGE": _format(
        "CHR POS Allele1 Allele2 BETA",
        id="SNPID|MarkerID|rsid",
        chromosome="CHR",
        position="POS",
        effect_allele="Allele2",
        other_allele="Allele1",
        frequency="AF_Allele2",
        beta="BETA",
        se="SE",
        p="p.value",
        n="N",
        cases="N_case|N.Cases",
        controls="N_ctrl|N.Controls",
    ),
    "fastGWA": _format(
        "CHR SNP POS A1 A2 AF1 BETA",
        id="SNP",
        chromosome="CHR",
        position="POS",
        effect_allele="A1",
        other_allele="A2",
        frequency="AF1",
        beta="BETA",
        se="SE",
        p="P",
        n="N",
    ),
    "UKB-409K": _format(
        "SNP CHR POS A1 A2|REF EAF Beta se",
        id="SNP",
        chromosome="CHR",
        position="POS",
        effect_allele="A1",
        other_allele="A2|REF",
        frequency="EAF",
        beta="Beta",
        se="se",
        p="P",
        n="N",
    ),
    "COJO": _format(
        "SNP A1 A2 freq b se",
        id="SNP",
        effect_allele="A1",
        other_allele="A2",
        frequency="freq",
        beta="b",
        se="se",
        p="p",
        n="N",
    ),
    "PolyFun": _format(
        "SNP CHR BP A1 A2 Z",
        id="SNP",
        chromosome="CHR",
        position="BP",
        effect_allele="A1",
        other_allele="A2",
        frequency="FRQ|AF1",
        z="Z",
        n="N",
    ),
    "LDSC": _format(
        "SNP A1 A2 Z",
        id="SNP",
        effect_allele="A1",
        other_allele="A2",
        frequency="FRQ",
        z="Z",
        n="N",
    ),
    "PRS-CS": _format(
        "SNP A1 A2 BETA|OR SE|P",
        id="SNP",
        chromosome="CHR|CHROM",
        position="BP|POS",
        effect_allele="A1",
        other_allele="A2",
        frequency="FRQ|AF1|EAF",
        beta="BETA",
        odds_ratio="OR",
        se="SE",
        p="P",
        n="N",
    ),
}


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
    if name == "GWAS-VCF":
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
