"""Scoring genotyped people with weights, and how well the score predicts their phenotype."""

from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics.genotypes.phenotype import (
    read_covariates,
    read_phenotype,
)
from deepwas_app.genetics.genotypes.score import Scores, match_weights, score
from deepwas_app.genetics.genotypes.several import open_genotypes, people_of
from deepwas_app.genetics.genotypes.weights import read_weights
from deepwas_app.intervals import interval
from deepwas_app.workflow.progress import Progress, job
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.settings.results import ScoreKnobs
from deepwas_app.workflow.tables import Column, Table

SCORES = Table(
    "scores",
    "Polygenic scores, one row a person.",
    (
        Column("FID", "Family", "family of the genotype files"),
        Column("IID", "Person", "person of the genotype files"),
        Column("ALLELE_CT", "Alleles called", "alleles that were called"),
        Column(
            "SCORE_SUM",
            "Score",
            "sum of the weights times the copies of their alleles; in the unit of the weights",
            "phenotype s.d.",
            ".9g",
            digits=5,
        ),
        Column("SCORE_AVG", "Score per allele", "the sum over alleles", "", ".9g", digits=9),
    ),
    further=Column("phenotype", "Phenotype", "the phenotype, under its own name, where given"),
)


class Accuracy(NamedTuple):
    """How much of a phenotype a score predicts, and its confidence interval.

    Attributes
    ----------
    r2, low, high
        Share of the phenotype's variance, 0 to 1; beyond that of the covariates.
    r
        The correlation itself, of what covariates leave of both; a negative one means that the
        score points the wrong way.
    people
        How many had both, and all covariates.
    covariates
        Share of the phenotype's variance that the covariates alone predict.
    """

    r2: float
    low: float
    high: float
    r: float
    people: int
    covariates: float = 0.0


class Scored(NamedTuple):
    """Polygenic scores of people.

    Attributes
    ----------
    table
        :data:`SCORES`, with the phenotype where one was given.
    report
        What became of the weights: reason to number.
    accuracy
        None where no phenotype was given.
    notes
        Weights that are not scored, the first few of each reason, one line each.
    """

    table: pd.DataFrame
    report: dict[str, int]
    accuracy: Accuracy | None
    notes: list[str]


@job
@knobs(ScoreKnobs)
def score_people(
    weights: str | Path | pd.DataFrame,
    bfile: str | Path = "",
    pheno: str | Path | None = None,
    *,
    pfile: str | Path = "",
    settings: ScoreKnobs,
) -> Generator[Progress, None, Scored]:
    """Score genotypes of PLINK 1 or 2.

    Parameters
    ----------
    weights
        Table of SNP, A1 (effect allele), BETA, or a scoring file of the PGS Catalog: its path, or
        a DataFrame of these columns, such as ``pgs_weights`` gives.
    bfile
        Genotypes of PLINK 1, the path without .bed, .bim, .fam; globs and {CHR} work.
    pheno
        Table of FID, IID and phenotypes.
    pfile
        Genotypes of PLINK 2, the path without .pgen, .pvar, .psam, in place of ``bfile``.
    settings
        All knobs at once, in place of the keywords below.

    Yields
    ------
    Progress

    Returns
    -------
    Scored

    Raises
    ------
    InputError
        For files that cannot be read or do not go together.
    """
    table = read_weights(weights)
    genotypes = open_genotypes(bfile, pfile)
    people = people_of(genotypes)
    # Before the long part: a wrong phenotype file is known at once.
    phenotype, covariates = None, None
    if settings.covariates and pheno is None:
        raise InputError(f"{settings.covariates}: covariates are of use to a phenotype. Give one.")
    if pheno is not None:
        phenotype = read_phenotype(
            pheno,
            people,
            settings.pheno_name,
            zero=settings.zero,
            skip_unknown=settings.skip_unknown,
        )
    if settings.covariates:
        covariates = read_covariates(
            settings.covariates, people, skip_unknown=settings.skip_unknown
        )
    matched = match_weights(table, genotypes)
    yield Progress(0.0, f"{len(matched.rows)} variants")
    result: Scores | None = None
    for step in score(genotypes, matched):
        if isinstance(step, Scores):
            result = step
        else:
            yield Progress(step, f"{len(matched.rows)} variants")
    assert result is not None
    out = people[["FID", "IID"]].assign(
        ALLELE_CT=result.alleles,
        SCORE_SUM=result.total,
        SCORE_AVG=result.total / max(2 * result.variants, 1),
    )
    if phenotype is None:
        return Scored(out, matched.report, None, matched.notes)
    values, name = phenotype
    found = accuracy(result.total, values, str(pheno), covariates=covariates)
    return Scored(out.assign(**{name: values}), matched.report, found, matched.notes)


def accuracy(
    scores: np.ndarray,
    phenotype: np.ndarray,
    where: str = "phenotype",
    level: float = 0.95,
    *,
    covariates: np.ndarray | None = None,
) -> Accuracy:
    """R^2 of a score with its confidence interval.

    Parameters
    ----------
    scores, phenotype
        (people,); people with a missing value are left out.
    where
        Named in errors.
    level
        Of the interval.
    covariates
        (people, covariates): R^2 is then what the score adds to them, that of both less their own.

    Raises
    ------
    InputError
        If fewer than four people have both, or one of the two does not vary.

    Notes
    -----
    By Fisher's z of the correlation; where its interval holds 0, that of R^2 begins there. With
    covariates that predict R_c^2, of the partial correlation r: R^2 = r^2 (1 - R_c^2).
    """
    both = np.isfinite(scores) & np.isfinite(phenotype)
    known = np.ones((len(scores), 1))
    known = known if covariates is None else np.hstack([known, covariates])
    both &= np.isfinite(known).all(axis=1)
    s, y, known = scores[both], phenotype[both], known[both]
    rank = int(np.linalg.matrix_rank(known))
    if len(y) < 3 + rank or np.ptp(y) == 0 or np.ptp(s) == 0:
        raise InputError(
            f"{where}: {len(y)} people have a score and a phenotype that vary, too few for R^2. "
            "Give the phenotype of more people."
        )
    left = (y - y.mean(), y - known @ np.linalg.lstsq(known, y)[0])
    rest = s - known @ np.linalg.lstsq(known, s)[0]
    unexplained = float(left[1] @ left[1] / (left[0] @ left[0]))
    if rest @ rest < 1e-12 * (s @ s) or unexplained < 1e-12:
        raise InputError(f"{where}: covariates tell all of the score or of it. Leave some out.")
    r = float(rest @ left[1] / np.sqrt((rest @ rest) * (left[1] @ left[1])))
    z = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
    ends = np.tanh(interval(z, 1 / np.sqrt(len(y) - 2 - rank), level=level))
    low, high = sorted((unexplained * ends**2).tolist())
    low = 0.0 if ends[0] <= 0 <= ends[1] else low
    return Accuracy(unexplained * r**2, low, high, r, len(y), max(1 - unexplained, 0.0))


def report_line(scored: Scored) -> str:
    """What became of the weights, in one line."""
    return ", ".join(f"{number:,} {reason}" for reason, number in scored.report.items())


def accuracy_line(found: Accuracy) -> str:
    """R^2 with its interval, in one line; says so where the score points the wrong way."""
    line = f"R² {found.r2:.4f} (95% {found.low:.4f} to {found.high:.4f}), {found.people:,} people"
    if found.covariates > 1e-9:
        line += f", beyond {found.covariates:.4f} of the covariates"
    return line + (", NEGATIVE correlation" if found.r < 0 else "")
