"""Credible sets of a fine-mapping, and the files in which others read them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import xarray as xr
from scipy.special import log_ndtr

from deepwas_app.genetics.statistics import standardised
from deepwas_app.genetics.writing import replacing_file
from deepwas_app.workflow.results.block_fits import PRIORS, BlockFits
from deepwas_app.workflow.results.identity import VARIANT, identity
from deepwas_app.workflow.tables import Column, Table, write_provenance

if TYPE_CHECKING:
    from deepwas_app.workflow.runs.fitted import Fitted

METHOD = "DeepWAS sum of single effects"
"""What StudyLocus files call the method: not SuSiE, since its priors are others."""
# log10 Bayes factors and -log10 P are of natural logarithms.
_LOG10 = np.log(10)

PRIOR = Column("PRIOR", "Prior", "model (the run's) or uniform")
CREDIBLE_SETS = Table(
    "credible-sets",
    "Sets of variants of which one is causal with the coverage asked for, one row a set.",
    (
        PRIOR,
        Column("CREDIBLE_SET", "Set", "its number under that prior"),
        Column("VARIANTS", "Variants", "how many variants are in it"),
        Column("VARIANTS_IN_REGION", "In region", "how many of them are in the region"),
        Column("COVERAGE", "Coverage", "probability that it holds a causal variant", "", ".5g"),
        Column(
            "PURITY",
            "Purity |r|",
            "smallest absolute correlation between two of its variants",
            "",
            ".5g",
            digits=2,
        ),
        Column("LEAD_SNP", "Lead variant", "its variant with the largest PIP"),
        Column("LEAD_PIP", "Lead PIP", "PIP of that variant", "", ".5g", digits=2),
        Column(
            "LOG10_BF",
            "log10 BF",
            "log10 Bayes factor of its effect against there being none, whichever variant it is",
            "",
            ".5g",
            digits=1,
        ),
        Column("MEAN_R", "Mean |r|", "mean absolute correlation of its pairs", "", ".5g", digits=2),
        Column("MEAN_R2", "Mean r²", "mean squared correlation of its pairs", "", ".5g", digits=2),
        Column(
            "H2",
            "h²",
            "posterior expectation of the squared effect, standardised, where it is one of its "
            "variants",
            "",
            ".5g",
            digits=None,
        ),
    ),
)
LOCI = Table(
    "loci",
    "Variants of credible sets and further ones up to 99% of the probability of their effect, one "
    "row a variant and set.",
    (
        PRIOR,
        Column("CREDIBLE_SET", "Set", "its number under that prior"),
        *VARIANT,
        Column("IN_SET", "In the set", "whether the set holds it with the coverage asked for"),
        Column("PROBABILITY", "Probability", "that the set's effect is it", "", ".5e"),
        Column("LOG_BF", "log BF", "log Bayes factor of that against no effect", "nats", ".6g"),
        Column("PIP", "PIP", "posterior inclusion probability, by any effect", "", ".5e"),
    ),
)
SUSIE = Table(
    "susie",
    "Credible sets under the run's prior in the names of susieR's summary and of FinnGen's files, "
    "one row a variant of a set.",
    (
        Column("variable", "Variant", "rsID or other name"),
        Column("chromosome", "Chromosome", "1 to 22, X, Y or MT"),
        Column("position", "Position", "on the study's genome build, 1-based", "bp"),
        Column("effect_allele", "Effect allele", "the allele that effects are of"),
        Column("other_allele", "Other allele", "the other allele"),
        Column("variable_prob", "PIP", "posterior inclusion probability, by any effect", "", ".5e"),
        Column("cs", "Set", "number of the credible set"),
        Column("cs_specific_prob", "Probability", "that the set's effect is it", "", ".5e"),
        Column("cs_log10bf", "log10 BF", "log10 Bayes factor of the set's effect", "", ".5g"),
        Column("cs_avg_r2", "Mean |r|, squared", "of the set's pairs, as susieR has it", "", ".5g"),
        Column("cs_min_r2", "Least |r|, squared", "of the set's pairs", "", ".5g"),
        Column("cs_size", "Variants", "how many variants are in the set"),
    ),
)
H2_IN_SETS = Table(
    "h2-in-sets",
    "Share of the heritability of a study that is in credible sets, one row a prior.",
    (
        PRIOR,
        Column("SETS", "Sets", "how many there are"),
        Column("H2_SETS", "h² in sets", "sum over sets of their H2", "", ".5g"),
        Column("H2", "h²", "of all variants, by the run's prior and its strong loci", "", ".5g"),
        Column("SHARE", "Share", "the one over the other", "", ".4g"),
    ),
)
_LOCUS = pa.struct(
    [
        ("is95CredibleSet", pa.bool_()),
        ("is99CredibleSet", pa.bool_()),
        ("logBF", pa.float64()),
        ("posteriorProbability", pa.float64()),
        ("variantId", pa.string()),
        ("pValueMantissa", pa.float32()),
        ("pValueExponent", pa.int32()),
        ("beta", pa.float64()),
        ("standardError", pa.float64()),
    ]
)
STUDY_LOCUS = pa.schema(
    [
        pa.field("studyLocusId", pa.string(), nullable=False),
        pa.field("studyType", pa.string()),
        pa.field("variantId", pa.string(), nullable=False),
        pa.field("chromosome", pa.string()),
        pa.field("position", pa.int32()),
        pa.field("region", pa.string()),
        pa.field("studyId", pa.string(), nullable=False),
        pa.field("beta", pa.float64()),
        pa.field("zScore", pa.float64()),
        pa.field("pValueMantissa", pa.float32()),
        pa.field("pValueExponent", pa.int32()),
        pa.field("effectAlleleFrequencyFromSource", pa.float32()),
        pa.field("standardError", pa.float64()),
        pa.field("finemappingMethod", pa.string()),
        pa.field("credibleSetIndex", pa.int32()),
        pa.field("credibleSetlog10BF", pa.float64()),
        pa.field("purityMeanR2", pa.float64()),
        pa.field("purityMinR2", pa.float64()),
        pa.field("locusStart", pa.int32()),
        pa.field("locusEnd", pa.int32()),
        pa.field("sampleSize", pa.int32()),
        pa.field("locus", pa.list_(_LOCUS)),
    ]
)
"""Of Open Targets' StudyLocus (gentropy's study_locus.json), the columns that are known here."""


class FoundSets(NamedTuple):
    """Tables :data:`CREDIBLE_SETS` and :data:`LOCI` of one prior."""

    sets: pd.DataFrame
    loci: pd.DataFrame


def found_sets(
    study: xr.Dataset,
    found: dict[int, BlockFits],
    prior: str,
    rows: np.ndarray,
    columns: dict[str, np.ndarray],
) -> FoundSets:
    """The credible sets that the variants `rows` have a part of; `columns` get their numbers."""
    asked = np.zeros(study.sizes["variants"], bool)
    asked[rows] = True
    n = study["variant_sample_size"].values.astype(np.float64)
    sets: list[dict[str, Any]] = []
    loci = []
    for b in sorted(found):
        fit, start = found[b][prior], int(study["block_offset"].values[b])
        squares, probability = fit.of_loci("squares"), fit.of_loci("probability")
        log_bf = fit.of_loci("log_bayes_factors")
        for s, (members, locus) in enumerate(zip(fit.sets, fit.of_loci("locus"), strict=True)):
            variants, every = start + members, start + locus
            if not asked[variants].any():
                continue
            number = len(sets) + 1
            columns["set"][variants] = number
            sets.append(
                {
                    "PRIOR": prior,
                    "CREDIBLE_SET": number,
                    "VARIANTS": len(variants),
                    "VARIANTS_IN_REGION": int(asked[variants].sum()),
                    "COVERAGE": float(fit.coverage[s]),
                    "PURITY": float(fit.purity[s]),
                    "LEAD_SNP": str(study["variant_id"].values[variants[0]]),
                    "LEAD_PIP": float(columns["pip"][variants[0]]),
                    "LOG10_BF": float(fit.evidence[s] / _LOG10),
                    "MEAN_R": float(fit.mean_correlation[s]),
                    "MEAN_R2": float(fit.mean_r2[s]),
                    "H2": float((squares[s] / n[every])[: len(variants)].sum()),
                }
            )
            named = identity(study, every, tuple(VARIANT.names)).set_index(every)
            named.insert(0, "PRIOR", prior)
            named.insert(1, "CREDIBLE_SET", number)
            loci.append(
                named.assign(
                    IN_SET=np.arange(len(every)) < len(variants),
                    PROBABILITY=probability[s],
                    LOG_BF=log_bf[s],
                    PIP=columns["pip"][every],
                )
            )
    return FoundSets(CREDIBLE_SETS.frame(sets), LOCI.check(joined(LOCI, loci)))


def joined(table: Table, parts: list[pd.DataFrame]) -> pd.DataFrame:
    """One after the other; those without rows have no types of columns."""
    some = [part for part in parts if len(part)]
    return pd.concat(some) if some else table.frame([])


def heritability_in_sets(study: xr.Dataset, run: "Fitted", sets: pd.DataFrame) -> pd.DataFrame:
    """Share of heritability that is in credible sets, those of a fine-mapping of a whole study.

    Returns
    -------
    Table :data:`H2_IN_SETS`.

    Notes
    -----
    sum_s sum_(j in s) alpha_sj E[b_sj^2] / N_j over sum_j v_j: of each set s the posterior
    expectation of its effect's square where that is one of the set's variants, b in units of z;
    over the heritability by the run's prior, with what strong loci have of their own. What small
    effects of the sets' variants add is not in it, nor are causal variants that no set is pure or
    certain enough for. Where truth is known it is 3% too large with exact LD, and 17% with LD of
    500 other people (``benchmarks/finemapping_people.py``).
    """
    # Late: reading the tables' names does not wait for JAX.
    from deepwas_app.workflow.results.heritability import heritability
    from deepwas_app.workflow.runs.heritability import strong_heritability

    total = float(heritability(study, run).sum()) + strong_heritability(study).value
    rows = []
    for prior in PRIORS:
        inside = sets["H2"][sets["PRIOR"] == prior].astype(float)
        rows.append(
            {
                "PRIOR": prior,
                "SETS": len(inside),
                "H2_SETS": float(inside.sum()),
                "H2": total,
                "SHARE": float(inside.sum()) / total,
            }
        )
    return H2_IN_SETS.frame(rows)


def susie_sets(sets: pd.DataFrame, loci: pd.DataFrame) -> pd.DataFrame:
    """Table :data:`SUSIE` of :data:`CREDIBLE_SETS` and :data:`LOCI`."""
    loci = loci[(loci["PRIOR"] == "model") & loci["IN_SET"].astype(bool)]
    sets = sets[sets["PRIOR"] == "model"].set_index("CREDIBLE_SET")
    of = sets.loc[loci["CREDIBLE_SET"].astype(int)]
    return SUSIE.frame(
        {
            "variable": loci["SNP"].to_numpy(),
            "chromosome": loci["CHR"].to_numpy(),
            "position": loci["BP"].to_numpy(),
            "effect_allele": loci["A1"].to_numpy(),
            "other_allele": loci["A2"].to_numpy(),
            "variable_prob": loci["PIP"].to_numpy(),
            "cs": loci["CREDIBLE_SET"].to_numpy(),
            "cs_specific_prob": loci["PROBABILITY"].to_numpy(),
            "cs_log10bf": of["LOG10_BF"].to_numpy(),
            "cs_avg_r2": of["MEAN_R"].to_numpy(float) ** 2,
            "cs_min_r2": of["PURITY"].to_numpy(float) ** 2,
            "cs_size": of["VARIANTS"].to_numpy(),
        }
    )


def study_loci(study: xr.Dataset, sets: pd.DataFrame, loci: pd.DataFrame) -> pa.Table:
    """The credible sets under the run's prior in the columns of Open Targets' StudyLocus.

    Notes
    -----
    variantId is chromosome_position_A2_A1: effects are of its last allele, as they are there,
    whichever of the two the genome has; positions are on the study's build, theirs are on hg38.
    beta and standardError are the GWAS's own, per copy of the allele in s.d. of the phenotype.
    is95CredibleSet and is99CredibleSet: the variant is needed for so much of the probability,
    from the most probable on; `locus` has 99% of the effect's own.
    """
    study_id = str(study.attrs.get("title") or "study")
    records = [*_study_loci(study, sets, loci, study_id)]
    return pa.Table.from_pylist(records, schema=STUDY_LOCUS)


def _study_loci(
    study: xr.Dataset, sets: pd.DataFrame, loci: pd.DataFrame, study_id: str
) -> Iterator[dict[str, Any]]:
    sets = sets[sets["PRIOR"] == "model"].set_index("CREDIBLE_SET")
    loci = loci[loci["PRIOR"] == "model"]
    for number, members in loci.groupby("CREDIBLE_SET", sort=False):
        rows, row = members.index.to_numpy(), sets.loc[number]
        z, n, p = (
            study[f"variant_{name}"].values[rows].astype(np.float64)
            for name in ("z", "sample_size", "allele_frequency")
        )
        error = standardised(z, n, p)
        mantissa, exponent = _p_parts(z)
        names = _variant_ids(members)
        probability = members["PROBABILITY"].to_numpy(float)
        before = np.cumsum(probability) - probability
        b = int(study["variant_block"].values[rows[0]])
        chromosome = str(members["CHR"].iloc[0])
        start, stop = (int(study[f"block_{end}"].values[b]) for end in ("start", "stop"))
        identifier = "_".join([study_id, names[0], METHOD, str(start), str(number)])
        yield {
            "studyLocusId": hashlib.md5(identifier.encode(), usedforsecurity=False).hexdigest(),
            "studyType": "gwas",
            "variantId": names[0],
            "chromosome": chromosome,
            "position": int(members["BP"].iloc[0]),
            "region": f"{chromosome}:{start + 1}-{stop}",
            "studyId": study_id,
            "beta": _known(z[0] * error[0]),
            "zScore": _known(z[0]),
            "pValueMantissa": mantissa[0],
            "pValueExponent": exponent[0],
            "effectAlleleFrequencyFromSource": _known(p[0]),
            "standardError": _known(error[0]),
            "finemappingMethod": METHOD,
            "credibleSetIndex": int(number),
            "credibleSetlog10BF": float(row["LOG10_BF"]),
            "purityMeanR2": float(row["MEAN_R2"]),
            "purityMinR2": float(row["PURITY"]) ** 2,
            "locusStart": start + 1,
            "locusEnd": stop,
            "sampleSize": None if np.isnan(n[0]) else round(n[0]),
            "locus": [
                {
                    "is95CredibleSet": bool(before[j] < 0.95),
                    "is99CredibleSet": bool(before[j] < 0.99),
                    "logBF": float(members["LOG_BF"].iloc[j]),
                    "posteriorProbability": float(probability[j]),
                    "variantId": names[j],
                    "pValueMantissa": mantissa[j],
                    "pValueExponent": exponent[j],
                    "beta": _known(z[j] * error[j]),
                    "standardError": _known(error[j]),
                }
                for j in range(len(rows))
            ],
        }


def _variant_ids(members: pd.DataFrame) -> list[str]:
    columns = (members[name].astype(str) for name in ("CHR", "BP", "A2", "A1"))
    return ["_".join(parts) for parts in zip(*columns, strict=True)]


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _p_parts(z: np.ndarray) -> tuple[list[float | None], list[int | None]]:
    """Two-sided P values as mantissa and power of ten; None without a z-score."""
    log10 = (np.log(2) + log_ndtr(-np.abs(z))) / _LOG10
    known = np.isfinite(log10)
    exponent = np.floor(np.where(known, log10, 0))
    mantissa = 10 ** (np.where(known, log10, 0) - exponent)
    return (
        [float(m) if k else None for m, k in zip(mantissa, known, strict=True)],
        [int(e) if k else None for e, k in zip(exponent, known, strict=True)],
    )


def write_study_loci(
    study: xr.Dataset, sets: pd.DataFrame, loci: pd.DataFrame, path: str | Path
) -> None:
    """Write :func:`study_loci` as parquet; it appears whole or not at all."""
    table = study_loci(study, sets, loci)
    path = Path(path).expanduser()
    with replacing_file(path) as partial:
        pq.write_table(table, partial)
    write_provenance(path)
