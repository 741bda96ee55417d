"""LD mismatch of every block of a study: what does not fit, and what to do about it."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.mismatch import (
    LeadingShare,
    PairCheck,
    SpectrumFit,
    check_pairs,
    leading_share,
    spectrum_fit,
)
from deepwas_app.core.moments import expected_squares
from deepwas_app.genetics.study import whitened_z
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.baseline import moment_model
from deepwas_app.workflow.runs.batches import block_slice
from deepwas_app.workflow.runs.run_batches import run_batches
from deepwas_app.workflow.runs.split import usable_blocks
from deepwas_app.workflow.studies.builtin import StudyLike, open_study
from deepwas_app.workflow.studies.ld_fit import EXCESS, FAR, LdFit, apart, judged
from deepwas_app.workflow.tables import Column, Table

_SHOWN = 5

LD_MISMATCH = Table(
    "ld-mismatch",
    "Whether the LD of a block is that of the GWAS, one row an LD block with z-scores.",
    (
        Column("block", "Block", "number of the block in the study, from 0"),
        Column("chromosome", "Chromosome", "1 to 22, X, Y or MT"),
        Column("start", "From", "first base, 0-based", "bp"),
        Column("stop", "To", "last base, not included when counted from 0", "bp"),
        Column("scored", "Scored", "variants with a z-score"),
        Column("components", "Components", "components of its LD that are kept"),
        Column(
            "spectrum_ratio",
            "Observed / expected",
            "mean squared component over what the model expects, over the half of the components "
            "with the smaller eigenvalues",
            digits=2,
        ),
        Column(
            "spectrum_z",
            "Distance",
            "how far the logarithm of that ratio is above the typical block, in standard errors",
            digits=2,
        ),
        Column(
            "share_ratio",
            "Share / expected",
            "share of the sum of squared z-scores along the half of the components with the larger "
            "eigenvalues, over what it is where LD is right",
            digits=2,
        ),
        Column("strong_pairs", "Strong pairs", "pairs of variants with |r| of at least 0.95"),
        Column(
            "discordant_pairs",
            "Discordant pairs",
            "those whose z-scores contradict each other (P < 5e-8)",
        ),
        Column("worst_pair", "Worst pair", "the pair that does most"),
        Column("worst_statistic", "χ² of it", "its chi-square", digits=1),
        Column(
            "suspects",
            "Suspects",
            "variants that contradict at least half of the variants in strong LD with them",
        ),
        Column("stated_n", "Stated N", "median sample size", digits=0),
        Column(
            "implied_n_ratio",
            "Implied over stated N",
            "implied over stated sample size, among suspects where there are some; missing where "
            "no variant is in strong LD with a hit",
        ),
        Column("flagged", "Flagged", "whether its LD is not to be used as it is"),
        Column("advice", "What to do", "what to do about it"),
    ),
)


def check(study: StudyLike, run: RunLike | None = None) -> pd.DataFrame:
    """Check the LD of every block against its z-scores.

    Parameters
    ----------
    study
        From ``open_study``.
    run
        Whose model the spectrum is compared with. None: the constant model that agrees with
        the moments.

    Returns
    -------
    Table :data:`LD_MISMATCH`, one row per usable block.
    """
    return checked(study, run).blocks


class Checked(NamedTuple):
    """The LD of a study as a whole, and of every block: table :data:`LD_MISMATCH`."""

    whole: LdFit
    blocks: pd.DataFrame


def checked(study: StudyLike, run: RunLike | None = None) -> Checked:
    """What :func:`check` finds, and what :func:`ld_fit` does, the blocks being read once.

    Parameters
    ----------
    study
        From ``open_study``.
    run
        See :func:`check`.
    """
    study, fitted = (open_study(study), None) if run is None else opened(study, run)
    batches = run_batches(study, fitted, usable_blocks(study))
    model = moment_model(batches) if fitted is None else fitted.model()
    z, white_z = study["variant_z"].values.astype(np.float64), whitened_z(study)
    s2, kappa = float(model.s2), float(model.kappa)
    rows, shares = [], []
    for batch in batches:
        expected = np.asarray(expected_squares(model, batch))
        parts = (batch.block.x, batch.block.eigenvalues, batch.block.noise, batch.block.background)
        x, eigenvalues, noise, background = map(np.asarray, parts)
        for i, b in enumerate(np.asarray(batch.index).tolist()):
            if b < 0:
                continue
            real = np.isfinite(eigenvalues[i])
            fit = spectrum_fit(x[i][real] ** 2, expected[i][real], eigenvalues[i][real])
            where = block_slice(study, b)
            mine = np.asarray(batch.counted)[i][: where.stop - where.start]
            Q = np.asarray(batch.block.Q[i])[: len(mine)][mine]
            variants = np.arange(where.start, where.stop)[mine]
            pairs = check_pairs(Q, z[variants], s2=s2, kappa=kappa)
            share = leading_share(
                x[i][real],
                eigenvalues[i][real],
                noise[i][real],
                background[i][real],
                white_z[variants],
            )
            shares.append(share)
            rows.append(_row(study, b, variants, fit, share, pairs))
    table = pd.DataFrame(rows).sort_values("block", ignore_index=True)
    table.insert(7, "spectrum_z", _distance(table["spectrum_ratio"], table.pop("error")))
    atypical = (table["spectrum_z"] > FAR) & (table["spectrum_ratio"] > EXCESS)
    far = atypical | table.pop("misfit")
    table["flagged"] = far | (table["suspects"].str.len() > 0)
    whole = judged(shares, study.attrs.get("ld_people"))
    table["advice"] = [
        _advice(row, bool(f), whole.flagged) for row, f in zip(table.itertuples(), far, strict=True)
    ]
    return Checked(whole, LD_MISMATCH.check(table))


def _row(
    study: xr.Dataset,
    block: int,
    variants: np.ndarray,
    fit: SpectrumFit,
    share: LeadingShare,
    pairs: PairCheck,
) -> dict[str, Any]:
    names = study["variant_id"].values[variants]
    n = study["variant_sample_size"].values[variants].astype(np.float64)
    suspect = (pairs.discordant > 0) & (2 * pairs.discordant >= pairs.strong)
    # Of two variants that only contradict each other nobody knows which is wrong: both are named.
    stated = np.where(pairs.partner >= 0, n / n[pairs.partner], np.nan)
    ratio = pairs.n_ratio / stated
    of = ratio[suspect] if np.isfinite(ratio[suspect]).any() else ratio
    return {
        "block": block,
        "chromosome": str(study["block_chromosome"].values[block]),
        "start": int(study["block_start"].values[block]),
        "stop": int(study["block_stop"].values[block]),
        "scored": len(variants),
        "components": share.components,
        "spectrum_ratio": fit.ratio,
        "error": fit.error,
        "share_ratio": share.observed / share.expected,
        "misfit": apart(share.observed, share.expected, share.error),
        "strong_pairs": int(pairs.strong.sum()) // 2,
        "discordant_pairs": int(pairs.discordant.sum() + 1) // 2,
        "worst_pair": " ".join(names[list(pairs.worst)]) if pairs.worst[0] >= 0 else "",
        "worst_statistic": pairs.statistic,
        "suspects": " ".join(names[suspect]),
        "stated_n": float(np.median(n)),
        "implied_n_ratio": float(np.nanmedian(of)) if np.isfinite(of).any() else float("nan"),
    }


def _distance(ratio: pd.Series, error: pd.Series) -> np.ndarray:
    """How far each block is above the typical one, in standard errors of its own size.

    The model is never quite true: the spread of ordinary blocks counts as error too.
    """
    log = np.log(ratio.to_numpy())
    away = log - np.median(log)
    spread = 1.4826 * np.median(np.abs(away))
    return away / np.maximum(error.to_numpy(), spread)


def _advice(row: Any, far: bool, whole: bool) -> str:
    suspects = row.suspects.split()
    words = []
    if suspects and len(suspects) <= max(0.05 * row.scored, 2):
        some = ", ".join(suspects[:_SHOWN]) + (", ..." if len(suspects) > _SHOWN else "")
        if row.implied_n_ratio < 0.8:
            words.append(
                f"The z-scores of {some} are those of {row.implied_n_ratio:.0%} of the stated N: "
                "give N per variant, or leave them out."
            )
        else:
            words.append(f"Check the alleles of {some}, or leave them out: they contradict LD.")
    elif suspects:
        far = True
    if far and whole:
        words.append("Its LD is not that of the GWAS, nor is that of the study as a whole.")
    elif far:
        words.append(
            "Its LD is not that of the GWAS: use a panel of the GWAS's ancestry, or leave out "
            f"the region {row.chromosome}:{row.start}-{row.stop}."
        )
    return " ".join(words)
