"""GWAS-SSF, the GWAS Catalog's standard format of summary statistics: its table.

Hayhurst et al. 2022, doi:10.1101/2022.07.15.500230.
"""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import log_ndtr

from deepwas_app.workflow.tables import Column, Table

_MISSING = "#NA"
_CHROMOSOMES = {"X": "23", "Y": "24", "MT": "25"}
# The Catalog's validator takes no -log10 P of 0; a float tells P of 1 and of 1 - 2e-16 not apart.
_LEAST = 1e-16
_ASSEMBLIES = {"hg18": "NCBI36", "hg19": "GRCh37", "hg38": "GRCh38"}

SSF = Table(
    "ssf",
    "Summary statistics in GWAS-SSF, one row a variant.",
    (
        Column("chromosome", "Chromosome", "1 to 22; 23 is X, 24 Y, 25 MT"),
        Column("base_pair_location", "Position", "on the study's genome build, 1-based", "bp"),
        Column("effect_allele", "Effect allele", "the allele that effects are of"),
        Column("other_allele", "Other allele", "the other allele"),
        Column(
            "beta",
            "Effect",
            "marginal effect per copy of the effect allele; of a study from z, N and frequency",
            "phenotype s.d., or as the file",
            ".6g",
        ),
        Column("standard_error", "s.e.", "standard error of it", "as beta", ".6g"),
        Column("effect_allele_frequency", "Frequency", "of the effect allele", "", ".6g"),
        Column("neg_log_10_p_value", "-log10 P", "-log10 of the two-sided P", "", ".6g"),
        Column("rsid", "Variant", "rsID; #NA where a variant has another name"),
        Column("n", "People", "GWAS sample size"),
    ),
)


def ssf_frame(
    variants: pd.DataFrame,
    *,
    beta: np.ndarray,
    se: np.ndarray,
    frequency: np.ndarray,
    n: np.ndarray,
    neg_log10_p: np.ndarray | None = None,
) -> pd.DataFrame:
    """Rows of table :data:`SSF`.

    Parameters
    ----------
    variants
        CHR, BP, A1 (effect allele), A2 and SNP.
    beta, se, frequency, n
        Of each, (variants,).
    neg_log10_p
        -log10 P; where it is NaN or not given, that of beta / se by the normal distribution.
    """
    p = -(log_ndtr(-np.abs(beta / se)) + np.log(2)) / np.log(10)
    if neg_log10_p is not None:
        p = np.where(np.isnan(neg_log10_p), p, neg_log10_p)
    names = variants["SNP"].astype(str)
    return SSF.frame(
        {
            "chromosome": variants["CHR"].astype(str).replace(_CHROMOSOMES),
            "base_pair_location": variants["BP"],
            "effect_allele": variants["A1"],
            "other_allele": variants["A2"],
            "beta": beta,
            "standard_error": se,
            "effect_allele_frequency": frequency,
            "neg_log_10_p_value": np.maximum(p, _LEAST),
            "rsid": names.where(names.str.fullmatch(r"rs\d+"), _MISSING),
            "n": np.rint(n).astype(np.int64),
        }
    )


def metadata(path: Path, table: pd.DataFrame, build: str, about: str) -> str:
    """What GWAS-SSF keeps beside its table, in NAME-meta.yaml.

    Parameters
    ----------
    path
        The file, as it is written.
    table
        Its rows.
    build
        "hg19" or "hg38"; empty where it is not known.
    about
        How it was made.
    """
    place = table["chromosome"].astype(int) * 1e10 + table["base_pair_location"]
    whole = table["effect_allele_frequency"].notna().all()
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "md5").hexdigest()
    facts = {
        "author_notes": about,
        "date_metadata_last_modified": datetime.now(UTC).date().isoformat(),
        "genome_assembly": _ASSEMBLIES.get(build, build or "NR"),
        "coordinate_system": "1-based",
        "data_file_name": path.name,
        "file_type": "GWAS-SSF v1.0" if whole else "pre-GWAS-SSF",
        "data_file_md5sum": digest,
        "is_harmonised": False,
        "is_sorted": bool(place.is_monotonic_increasing),
        "samples": [{"sample_size": int(table["n"].max())}],
    }
    # JSON values are YAML.
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in facts.items())
