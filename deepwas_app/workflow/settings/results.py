"""Knobs of the commands that ask something of studies and of fitted runs."""

import param

from deepwas_app.workflow.settings.base import Settings, facts
from deepwas_app.workflow.settings.shared import (
    JsonOutput,
    Liability,
    MovedStudy,
    RunInput,
    StudyInput,
    TableOutput,
)

# Values of a continuous annotation along a curve, and along each side of a surface.
CURVE_POINTS, SURFACE_POINTS = 41, 21
# Shifts of annotations that make a good null distribution, and those without which there is none.
SHIFTS, FEWEST_SHIFTS = 200, 10


class InfoSettings(JsonOutput):
    """What is in a file."""

    path = param.String(
        "",
        doc="A study, panel, run, result table or data file.",
        metadata=facts(positional=True, required=True, metavar="PATH"),
    )
    verify = param.Boolean(
        False,
        doc="Compare all of a study, panel, track store or run with its checksums: which parts are "
        "damaged or lost. Exit status 1 if any is.",
    )


class EvaluateSettings(Liability, TableOutput, JsonOutput):
    """Held-out gains of runs."""

    runs = param.List(
        default=[],
        item_type=str,
        doc="NAME.run; several, for one row each.",
        metadata=facts(positional=True, required=True, metavar="RUN"),
    )


class CheckSettings(StudyInput, Liability, TableOutput, JsonOutput):
    """LD of a study against its z-scores, and LD score regression."""

    run_path = param.String(
        "",
        doc="Compare with its model and its heritability.",
        metadata=facts(flags=("--run",), metavar="RUN", reads="file"),
    )
    all = param.Boolean(False, doc="List blocks that fit as well.")


class CalibrationSettings(RunInput, TableOutput, JsonOutput):
    """Whether a learned prior is right where it was held out."""


class OutlookKnobs(Settings):
    """Which future GWAS."""

    people = param.String(
        "",
        doc="People of future GWAS, as 1e6,3e6. Empty: as many as now, and 2, 5 and 10 times.",
        metadata=facts("people", metavar="N,N"),
    )


class OutlookSettings(RunInput, OutlookKnobs, TableOutput, JsonOutput):
    """How many variants are causal, and what more people would find."""


class EffectsKnobs(Settings):
    """What goes beside the effects."""

    one_at_a_time = param.Boolean(False, doc="Add effects fitted without the others.")
    shifts = param.Integer(
        0,
        bounds=(0, 100_000),
        doc=f"Add a test by so many shifted annotations; {SHIFTS} do.",
        metadata=facts("shifts"),
    )


class EffectsSettings(RunInput, EffectsKnobs, TableOutput, JsonOutput):
    """Annotation effects of a run."""

    quantiles = param.String(
        "",
        doc="Write the enrichment of fifths of continuous annotations as well; - for the screen.",
        metadata=facts(metavar="TSV"),
    )


class ScanSettings(MovedStudy, TableOutput, JsonOutput):
    """Many annotations, each tested beside what a run has learned."""

    run_path = param.String(
        "",
        doc="NAME.run, beside which its derivatives are kept; or NAME.derivatives.zarr.",
        metadata=facts(positional=True, required=True, metavar="RUN"),
    )
    annotations = param.List(
        default=[],
        item_type=str,
        doc="Files, globs and folders of BED, bedGraph, bigWig, LDSC .annot, .gmt and tables.",
        metadata=facts(required=True, metavar="PATH", reads="files"),
    )


class ResponseKnobs(Settings):
    """How finely a response is drawn."""

    points = param.Integer(
        None,
        bounds=(2, 1000),
        allow_None=True,
        doc=f"Values of a continuous annotation. Default {CURVE_POINTS}; {SURFACE_POINTS} "
        "with --by.",
        metadata=facts("points"),
    )


class ResponseSettings(MovedStudy, ResponseKnobs, TableOutput, JsonOutput):
    """How log variance answers to annotations."""

    runs = param.List(
        default=[],
        item_type=str,
        doc="NAME.run; several that differ in their seed only give a band.",
        metadata=facts(positional=True, required=True, metavar="RUN"),
    )
    annotation = param.String("", doc="Its name.", metadata=facts(required=True, metavar="A"))
    by = param.String(
        "", doc="A second one, for an interaction surface.", metadata=facts(metavar="B")
    )


class ExplainSettings(RunInput, TableOutput, JsonOutput):
    """What drives one variant's prior."""

    variant = param.String(
        "", doc="As in the study: rs9610.", metadata=facts(required=True, metavar="ID")
    )


class ReportKnobs(Settings):
    """Which loci are reported, and what of them."""

    loci = param.List(
        default=[],
        item_type=str,
        doc="Regions, genes or variants; none: all loci with genome-wide significance.",
        metadata=facts(metavar="LOCUS"),
    )
    no_finemap = param.Boolean(False, doc="Do not fine-map the loci.")


class ReportSettings(MovedStudy, ReportKnobs, JsonOutput):
    """Loci on pages to read, print and send."""

    runs = param.List(
        default=[],
        item_type=str,
        doc="NAME.run; several are drawn, and the first fine-maps. None: give --study.",
        metadata=facts(positional=True, metavar="RUN"),
    )
    output = param.String(
        "",
        doc="A new folder.",
        metadata=facts(flags=("-o", "--output"), required=True, metavar="DIR"),
    )


class FineMapKnobs(Settings):
    """How a region is fine-mapped."""

    effects = param.Integer(
        20,
        bounds=(1, 100),
        label="At most",
        doc="Most causal variants an LD block.",
        metadata=facts("variants"),
    )
    causal = param.Number(
        None,
        bounds=(0, None),
        inclusive_bounds=(False, True),
        allow_None=True,
        label="Causal variants expected",
        doc="How many are expected in every block beforehand; inf: as many as effects (susieR's "
        "way). Default learned: the number with the most evidence in blocks all along the study, "
        "a block's in proportion to its prior variance.",
        metadata=facts("variants", empty="learned"),
    )
    background = param.Number(
        0.0,
        bounds=(0, 1),
        allow_None=True,
        doc="Share of the prior variance that small effects of all variants have beside the causal "
        "ones. learned: the one with the most evidence in the LD block.",
        metadata=facts("1", empty="learned"),
    )
    coverage = param.Number(
        0.95,
        bounds=(0, 1),
        inclusive_bounds=(False, False),
        doc="Of the credible sets.",
        metadata=facts("1"),
    )
    purity = param.Number(
        0.5, bounds=(0, 1), doc="Least correlation within a set.", metadata=facts("1")
    )
    workers = param.Integer(
        1,
        bounds=(1, 1000),
        doc="LD blocks that are fitted at a time; results are the same.",
        metadata=facts("processes"),
    )


class FineMapSettings(RunInput, FineMapKnobs, TableOutput, JsonOutput):
    """Fine-mapping of a region, or of all of a study, under a run's prior."""

    region = param.String(
        "", doc="1-based: 22:30500000-31500000.", metadata=facts(metavar="REGION")
    )
    all = param.Boolean(
        False,
        doc="The whole study. LD blocks that are done are kept in OUTPUT.parts until the end; the "
        "same command goes on from there.",
    )
    sets = param.String("", doc="Credible sets, one a row.", metadata=facts(metavar="F"))
    susie = param.String(
        "",
        doc="Variants of credible sets under the run's prior, in the names of susieR and FinnGen.",
        metadata=facts(metavar="F"),
    )
    study_locus = param.String(
        "",
        doc="Credible sets under the run's prior in the columns of Open Targets' StudyLocus, as "
        "parquet.",
        metadata=facts(metavar="F.parquet"),
    )
    fits = param.String(
        "", doc="Effects and convergence by prior and block.", metadata=facts(metavar="F")
    )
    json = param.Boolean(False, doc="Print credible sets and convergence as one JSON object last.")


class PosteriorKnobs(Settings):
    """Which posterior of effects."""

    posterior: param.Selector[str] = param.Selector(
        default="auto",
        objects=["auto", "normal", "sparse"],
        doc="normal: every variant has an effect; sparse: as few as the data say; auto: both, by "
        "their evidence.",
    )


class ScoreKnobs(Settings):
    """How people and their phenotypes are matched."""

    pheno_name = param.String(
        "", doc="Which phenotype. Default: the first.", metadata=facts(metavar="COLUMN")
    )
    zero: param.Selector[str] = param.Selector(
        default="",
        objects=["", "missing", "value"],
        doc="What 0 is in a phenotype of 0, 1 and 2: PLINK takes it for a missing value.",
        label="0 beside 1 and 2",
        metadata=facts(empty="ask"),
    )
    covariates = param.String(
        "",
        doc="FID, IID and covariates: all that is said of the score is beyond them.",
        metadata=facts(metavar="F", reads="file"),
    )
    prevalence = param.Number(
        None,
        bounds=(0.0, 1.0),
        inclusive_bounds=(False, False),
        allow_None=True,
        doc="Share of cases in the population, for R^2 of the liability; that of the sample is "
        "counted.",
        metadata=facts("1"),
    )
    skip_unknown = param.Boolean(False, doc="Leave out people without genotypes.")


class ScoreSettings(ScoreKnobs, TableOutput, JsonOutput):
    """Polygenic scores of people."""

    weights = param.List(
        default=[],
        item_type=str,
        doc="SNP, A1 (effect allele), BETA (per copy of A1); or a PGS Catalog scoring file. Each "
        "word is one score, so quote a glob of one score's chromosomes; several scores are "
        "compared on the same people.",
        metadata=facts(required=True, metavar="F", reads="files"),
    )
    bfile = param.String(
        "",
        doc="PLINK 1 genotypes, without .bed, .bim, .fam.",
        metadata=facts(metavar="P", reads="files"),
    )
    pfile = param.String(
        "",
        doc="PLINK 2 genotypes, without .pgen, .pvar, .psam, in place of --bfile.",
        metadata=facts(metavar="P", reads="files"),
    )
    pheno = param.String(
        "",
        doc="FID, IID and a phenotype, for R^2; of cases and controls AUC and odds ratios too.",
        metadata=facts(metavar="F", reads="file"),
    )
    accuracy = param.String(
        "", doc="Every measure with its interval.", metadata=facts(metavar="TSV")
    )
    differences = param.String(
        "", doc="Which of several scores predicts better.", metadata=facts(metavar="TSV")
    )
    deciles = param.String(
        "", doc="The phenotype by tenths of the score.", metadata=facts(metavar="TSV")
    )
    json = param.Boolean(False, doc="Print counts and measures as one JSON object last.")


class CompareSettings(MovedStudy, TableOutput, JsonOutput):
    """Two runs of one study."""

    first = param.String(
        "", doc="NAME.run", metadata=facts(positional=True, required=True, metavar="A.run")
    )
    second = param.String(
        "",
        doc="The run that is subtracted.",
        metadata=facts(positional=True, required=True, metavar="B.run"),
    )
    json = param.Boolean(False, doc="Print the overall difference as one JSON object last.")
