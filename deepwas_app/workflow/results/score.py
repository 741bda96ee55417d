"""Scoring genotyped people with weights, and how well the scores predict their phenotype."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.counting import counted
from deepwas_app.errors import InputError
from deepwas_app.genetics.files import note_file
from deepwas_app.genetics.genotypes.phenotype import (
    read_covariates,
    read_phenotype,
)
from deepwas_app.genetics.genotypes.score import MatchedWeights, Scores, match_weights, score
from deepwas_app.genetics.genotypes.several import files_of, open_genotypes, people_of
from deepwas_app.genetics.genotypes.weights import read_weights
from deepwas_app.genetics.patterns import expand
from deepwas_app.summary_card import card
from deepwas_app.workflow.progress import Progress, job
from deepwas_app.workflow.results.accuracy import Accuracy, Judged, judge
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.settings.results import ScoreKnobs
from deepwas_app.workflow.tables import Column, Table

SCORES = Table(
    "scores",
    "Polygenic scores, one row a person, of several weights one row a person and weights.",
    (
        Column("WEIGHTS", "Weights", "which weights, where there are several", optional=True),
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
_UNCALLED = "without a call"

Weights: TypeAlias = str | Path | pd.DataFrame


class ScoredWeights(NamedTuple):
    """What became of the weights of one score.

    Attributes
    ----------
    name
        Of the score.
    report
        Reason to number of variants.
    lost
        Share of the total weight of what is not scored, by reason.
    share_of
        What the total weight is the sum of: |weight| times the s.d. of the copies of its allele,
        or |weight| where frequencies are not known.
    notes
        Weights that are not scored, the first few of each reason, one line each.
    """

    name: str
    report: dict[str, int]
    lost: dict[str, float]
    share_of: str
    notes: list[str]


def _counts(report: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {reason}" for reason, number in report.items())


class Scored(NamedTuple):
    """Polygenic scores of people.

    Attributes
    ----------
    table
        :data:`SCORES`, with the phenotype where one was given.
    weights
        What became of the weights of each score.
    judged
        What the scores predict; None where no phenotype was given.
    """

    table: pd.DataFrame
    weights: list[ScoredWeights]
    judged: Judged | None

    def _repr_html_(self) -> str:
        facts: dict[str, Any] = {"Rows": len(self.table)}
        facts |= {f"Weights {one.name}": _counts(one.report) for one in self.weights}
        facts["More"] = "its table, weights and judged"
        return card("Polygenic scores", facts)

    @property
    def report(self) -> dict[str, int]:
        """What became of the first weights: reason to number."""
        return self.weights[0].report

    @property
    def accuracy(self) -> Accuracy | None:
        """R² of the first weights; None where no phenotype was given."""
        return self.judged.shares[self.weights[0].name] if self.judged else None


@job
@knobs(ScoreKnobs)
def score_people(
    weights: Weights | Sequence[Weights],
    bfile: str | Path = "",
    pheno: str | Path | None = None,
    *,
    pfile: str | Path = "",
    settings: ScoreKnobs,
) -> Generator[Progress, None, Scored]:
    """Score genotypes of PLINK 1 or 2, and judge the scores by a phenotype.

    Parameters
    ----------
    weights
        Table of SNP, A1 (effect allele), BETA, or a scoring file of the PGS Catalog: its path, or
        a DataFrame of these columns, such as ``pgs_weights`` gives. Files that a glob or {CHR}
        means are one score; a list is several, which are judged on the same people.
    bfile
        Genotypes of PLINK 1, the path without .bed, .bim, .fam; globs and {CHR} work.
    pheno
        Table of FID, IID and phenotypes.
    pfile
        Genotypes of PLINK 2, the path without .pgen, .pvar, .psam, in place of ``bfile``.
    settings
        All knobs at once, in place of the keywords below.

    Returns
    -------
    Scored

    Yields
    ------
    Progress

    Raises
    ------
    InputError
        For files that cannot be read or do not go together.
    """
    given = [weights] if isinstance(weights, str | Path | pd.DataFrame) else weights
    tables = [read_weights(one) for one in given]
    genotypes = open_genotypes(bfile, pfile)
    people = people_of(genotypes)
    # Before the long part: a wrong phenotype file is known at once.
    phenotype, covariates = None, None
    if settings.covariates and pheno is None:
        raise InputError(f"{settings.covariates}: covariates are of use to a phenotype. Give one.")
    if settings.prevalence is not None and pheno is None:
        raise InputError("prevalence: is of use to a phenotype. Give one.")
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
    _note(tables, pheno, settings.covariates, genotypes)
    several = [match_weights(table, genotypes) for table in tables]
    names = _names(tables)
    found: dict[str, Scores] = {}
    for name, matched in zip(names, several, strict=True):
        words = counted(len(matched.rows), "variant") + f", {name}" * (len(names) > 1)
        yield Progress(len(found) / len(names), words)
        for step in score(genotypes, matched):
            if isinstance(step, Scores):
                found[name] = step
            else:
                yield Progress((len(found) + step) / len(names), words)
    parts = [
        people[["FID", "IID"]].assign(
            ALLELE_CT=one.alleles,
            SCORE_SUM=one.total,
            SCORE_AVG=one.total / max(2 * one.variants, 1),
            **({} if phenotype is None else {phenotype[1]: phenotype[0]}),
        )
        for one in found.values()
    ]
    table = parts[0]
    if len(parts) > 1:
        table = pd.concat(parts, keys=names, names=["WEIGHTS"]).reset_index("WEIGHTS")
        table = table.reset_index(drop=True)
    became = [
        _became(name, matched, found[name].called)
        for name, matched in zip(names, several, strict=True)
    ]
    if phenotype is None:
        return Scored(table, became, None)
    judged = judge(
        {name: one.total for name, one in found.items()},
        phenotype[0],
        covariates,
        prevalence=settings.prevalence,
        where=str(pheno),
    )
    return Scored(table, became, judged)


def _note(
    tables: list[pd.DataFrame], pheno: str | Path | None, covariates: str, genotypes: xr.Dataset
) -> None:
    """Say what the scores are made of."""
    given = [*((table.attrs["path"], "weights") for table in tables)]
    for pattern, role in (*given, (pheno, "phenotype"), (covariates, "covariates")):
        for path in expand(pattern) if pattern else ():
            # Tables in memory have a name only.
            if Path(path).is_file():
                note_file(path, "table", role)
    for file in files_of(genotypes):
        note_file(file, genotypes.attrs["format"], "genotypes")


def _names(tables: list[pd.DataFrame]) -> list[str]:
    """What to call scores: by their files, with a number from the second of a name on."""
    paths = [str(table.attrs["path"]) for table in tables]
    short = [Path(path).name for path in paths]
    names = short if len(set(short)) == len(set(paths)) else paths
    before = [names[:i].count(name) for i, name in enumerate(names)]
    return [f"{name} #{n + 1}" if n else name for name, n in zip(names, before, strict=True)]


def _became(name: str, matched: MatchedWeights, called: np.ndarray) -> ScoredWeights:
    report, lost = matched.report, matched.lost
    if not called.all():
        report = report | {_UNCALLED: int((~called).sum())}
        lost = lost | {_UNCALLED: float(matched.share[~called].sum())}
    return ScoredWeights(name, report, lost, matched.share_of, matched.notes)


def report_lines(scored: Scored) -> list[str]:
    """What became of the weights, a line for each, and which ones are not scored."""
    lines = []
    for one in scored.weights:
        words = []
        for reason, number in one.report.items():
            share = one.lost.get(reason, 0.0)
            words.append(f"{number:,} {reason}" + f" ({share:.2%} of weight)" * (share > 0))
        line = ", ".join(words)
        if one.lost:
            line += f"; weight is the sum of {one.share_of}"
        name = f"{one.name}: " if len(scored.weights) > 1 else ""
        lines += [name + line, *(name + note for note in one.notes)]
    return lines
