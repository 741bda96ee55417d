"""Two runs of one study compared where both were held out: which predicts better, and where."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.jackknife import jackknife_sum
from deepwas_app.counting import counted
from deepwas_app.errors import InputError
from deepwas_app.intervals import interval
from deepwas_app.workflow.results.evaluation import MILLINATS
from deepwas_app.workflow.results.heritability import heritability
from deepwas_app.workflow.results.locus import RunLike, opened_all
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.tables import Column, Table, with_error

COMPARISON = Table(
    "comparison",
    "Held-out log-likelihood of one run minus that of another: first the whole, then one row a "
    "chromosome, then one an LD block, the block that changed most first.",
    (
        Column("SCOPE", "Scope", "all, chromosome or block"),
        Column("CHR", "Chromosome", "chromosome, or all"),
        Column("START", "From", "first base, 0-based", "bp"),
        Column("STOP", "To", "last base, not included when counted from 0", "bp"),
        Column("BLOCK", "LD block", "number of the block in the study, from 0"),
        Column("BLOCKS", "LD blocks", "held-out LD blocks"),
        Column("VARIANTS", "Variants", "scored variants"),
        Column(
            "DIFFERENCE_NATS",
            "Difference",
            "held-out log-likelihood of the first run minus that of the second: positive where "
            "the first predicts better",
            "nats",
            ".6g",
            digits=2,
        ),
        Column("DIFFERENCE_NATS_SE", "s.e.", "block-jackknife standard error", "nats", ".6g"),
        Column(
            "MILLINATS_PER_VARIANT",
            "Difference",
            "the same per scored variant",
            MILLINATS,
            ".6g",
        ),
        Column("MILLINATS_PER_VARIANT_SE", "s.e.", "its standard error", MILLINATS, ".6g"),
        Column("H2_FIRST", "h², first", "heritability there under the first run", "", ".6g", 6),
        Column("H2_SECOND", "h², second", "heritability there under the second", "", ".6g", 6),
        Column("LEAD_SNP", "Lead variant", "the block's variant with the largest absolute z"),
    ),
)


def compare(study: StudyLike | None, first: RunLike, second: RunLike) -> pd.DataFrame:
    """Difference in held-out log-likelihood between two runs: whole, by chromosome, by LD block.

    Parameters
    ----------
    study, first, second
        Two finished runs of this study, of any priors and objectives.

    Returns
    -------
    Table :data:`COMPARISON`; no standard error where there is one block.

    Raises
    ------
    InputError
        If a run is not finished, or no LD block was held out in both.

    Notes
    -----
    A block that was trained on in either run is left out.
    """
    study, (first, second) = opened_all(study, (first, second))
    for run in (first, second):
        if not run.finished:
            raise InputError(f"{run.path}: is not finished. Go on with deepwas train --resume.")
    ours, theirs = first.blocks(), second.blocks()
    blocks = ours.merge(theirs[["block", "loss"]], on="block", suffixes=("", "_second"))
    trained = set(first.train_blocks) | set(second.train_blocks)
    blocks = blocks[~blocks["block"].isin(trained)]
    if blocks.empty:
        raise InputError(
            f"{first.path}: has no held-out LD block in common with {second.path}. "
            "Train both with the same --test-chromosomes."
        )
    blocks = blocks.assign(difference=blocks["loss_second"] - blocks["loss"])
    own = study["variant_block"].values
    for name, run in (("first", first), ("second", second)):
        sums = np.bincount(own, heritability(study, run), study.sizes["blocks"])
        blocks[f"h2_{name}"] = sums[blocks["block"].to_numpy()]
    blocks = blocks.assign(lead=[_lead(study, block) for block in blocks["block"]])
    rows = [_row("all", blocks)]
    rows += [_row("chromosome", part) for _, part in blocks.groupby("chromosome", sort=False)]
    order = np.argsort(-blocks["difference"].abs().to_numpy(), kind="stable")
    rows += [_row("block", blocks.iloc[[i]]) for i in order]
    return COMPARISON.frame(rows).astype(dict.fromkeys(("START", "STOP", "BLOCK"), "Int64"))


def _row(scope: str, part: pd.DataFrame) -> dict[str, Any]:
    total = jackknife_sum(part["difference"].to_numpy())
    variants = int(part["variants"].sum())
    return {
        "SCOPE": scope,
        "CHR": "all" if scope == "all" else str(part["chromosome"].iloc[0]),
        "START": pd.NA if scope == "all" else int(part["start"].min()),
        "STOP": pd.NA if scope == "all" else int(part["stop"].max()),
        "BLOCK": int(part["block"].iloc[0]) if scope == "block" else pd.NA,
        "BLOCKS": len(part),
        "VARIANTS": variants,
        "DIFFERENCE_NATS": total.value,
        "DIFFERENCE_NATS_SE": total.error,
        "MILLINATS_PER_VARIANT": 1e3 * total.value / max(variants, 1),
        "MILLINATS_PER_VARIANT_SE": 1e3 * total.error / max(variants, 1),
        "H2_FIRST": float(part["h2_first"].sum()),
        "H2_SECOND": float(part["h2_second"].sum()),
        "LEAD_SNP": part["lead"].iloc[0] if scope == "block" else pd.NA,
    }


def _lead(study: xr.Dataset, block: int) -> str:
    rows = np.flatnonzero(study["variant_block"].values == block)
    z = np.abs(np.nan_to_num(study["variant_z"].values[rows]))
    return str(study["variant_id"].values[rows[int(np.argmax(z))]])


def difference_line(table: pd.DataFrame, first: str, second: str) -> str:
    """What :func:`compare` found, in one sentence with the names of the two runs.

    Notes
    -----
    A difference is called one where its 95% interval, by Student's t with a degree of freedom less
    than there are blocks, leaves out zero.
    """
    whole = table.iloc[0]
    difference, error = float(whole["DIFFERENCE_NATS"]), float(whole["DIFFERENCE_NATS_SE"])
    blocks = int(whole["BLOCKS"])
    where = f"{blocks} held-out LD blocks ({counted(int(whole['VARIANTS']), 'variant')})"
    if blocks == 1:
        alone = with_error(difference, np.nan, 2, sign=True)
        return (
            f"{first} over {second}: {alone} nats on one held-out LD block, too few for a "
            "standard error."
        )
    low, high = interval(difference, error, blocks)
    if low < 0 < high or difference == 0:
        unclear = with_error(difference, error, 2, sign=True)
        return f"No clear difference: {first} over {second} is {unclear} nats on {where}."
    better, worse = (first, second) if difference > 0 else (second, first)
    per_variant = abs(whole["MILLINATS_PER_VARIANT"])
    return (
        f"{better} predicts better than {worse}: by {with_error(abs(difference), error, 2)} nats "
        f"on {where}, which is {per_variant:.3g} ± {whole['MILLINATS_PER_VARIANT_SE']:.2g} "
        "thousandths of a nat per variant."
    )
