"""Knobs of the commands that write studies."""

import param

from deepwas_app.genetics.gwas.checks import CHECKS
from deepwas_app.genetics.gwas.format import FORMATS
from deepwas_app.genetics.gwas.vocabulary import ROLES
from deepwas_app.workflow.settings.base import Settings, facts
from deepwas_app.workflow.settings.shared import BUILDS, LAST, NewStudy

TRUTHS = ("constant", "linear", "threshold", "interactions")


class GwasSettings(Settings):
    """Summary statistics: how they are read, checked and aligned to an LD panel."""

    sumstats = param.String("", doc="GWAS summary statistics.", metadata=facts(reads="files"))
    ld = param.String("", doc="LD panel, NAME.ld.zarr.", metadata=facts(reads="file"))
    format: param.Selector[str] = param.Selector(
        default="",
        objects=["", *FORMATS],
        doc="Format of the GWAS. Empty: by its header.",
        label="Format of the GWAS",
        metadata=facts(empty="by its header"),
    )
    column = param.List(
        default=[],
        item_type=str,
        doc="Which column of the GWAS is what, where its header does not say: ROLE=NAME; ROLE=- "
        f"where none is. Roles: {', '.join(ROLES)}.",
    )
    population = param.String(
        "",
        doc="Population of a GWAS file that has columns for several, such as beta_EUR: EUR.",
    )
    n = param.Number(
        None,
        bounds=(1, None),
        allow_None=True,
        doc="People in the GWAS, where the file has no N.",
        label="People in the GWAS (N)",
        metadata=facts("people"),
    )
    cases = param.Number(
        None,
        bounds=(1, None),
        allow_None=True,
        doc="Cases in the GWAS; with --controls, N is the effective one, 4 / (1/cases + "
        "1/controls).",
        metadata=facts("people"),
    )
    controls = param.Number(
        None,
        bounds=(1, None),
        allow_None=True,
        doc="Controls in the GWAS; see --cases.",
        metadata=facts("people"),
    )
    build: param.Selector[str] = param.Selector(
        default="",
        objects=["", *BUILDS],
        doc="Genome build of the GWAS. Empty: as the panel.",
        label="Genome build of the GWAS",
        metadata=facts(empty="as the panel"),
    )
    chain = param.String(
        "",
        doc="Chain file that lifts the GWAS over to the panel's genome build.",
        metadata=facts(reads="file"),
    )
    max_frequency_difference = param.Number(
        0.2,
        bounds=(0.0, 1.0),
        doc="Drop variants whose allele frequency is further than this from the panel's.",
        metadata=facts("1"),
    )
    keep_extreme = param.Boolean(
        False,
        doc="Keep z-scores with a chi-square above 80 and above N / 1,000 that no variant in "
        "strong LD bears out. They are dropped otherwise: one of them decides on all noise.",
        label="Keep extreme z-scores that LD contradicts",
    )
    exclude_regions = param.List(
        default=[],
        item_type=str,
        doc="Regions that are not scored: mhc, long-range (long-range LD, with the MHC), or BED "
        "files.",
        metadata=facts(reads="files"),
    )
    accept = param.List(
        default=[],
        item_type=str,
        doc="Checks of the summary statistics that are overruled: "
        f"{'; '.join(f'{name} ({what})' for name, what in CHECKS.items())}.",
        label="Accept although a check fails",
    )


class MungeSettings(GwasSettings):
    """Summary statistics in GWAS-SSF, cleaned, and aligned to an LD panel where one is given."""

    output = param.String(
        "",
        doc="Where to write, NAME.tsv.gz; NAME.tsv.gz-meta.yaml comes beside it.",
        precedence=LAST,
        metadata=facts(flags=("-o", "--output"), required=True),
    )


class AnnotatedStudy(NewStudy):
    """What is joined to the summary statistics of a study, and how it is modelled."""

    annotations = param.List(
        default=[],
        item_type=str,
        doc="Annotation files: tables, LDSC .annot, BED (FILE.bed#5 for its values), bigWig "
        "(FILE.bw#1000 for the mean in a window), gene tables, .gmt gene sets, or the word "
        "genes.",
        metadata=facts(reads="files"),
    )
    missing: param.Selector[str] = param.Selector(
        default="",
        objects=["", "zero", "mean", "drop"],
        doc="Annotations of variants that a table says nothing of: zero; the mean of the others, "
        "with a further annotation that tells which they are; drop leaves out annotations that a "
        "table has for less than half of the scored variants, which are an error otherwise. Empty: "
        "zero where an annotation is 0 or 1, else the mean.",
        label="Missing annotations",
        metadata=facts(empty="by what they are"),
    )
    half = param.Boolean(
        False,
        doc="Hold annotations in float16: half the memory and disk, three digits. Refused are "
        "values beyond 65,504, and annotations to which rounding would add noise of more than a "
        "hundredth of their s.d.",
        label="Annotations in half precision",
    )
    winsorise = param.Number(
        0.0,
        bounds=(0.0, 0.5),
        inclusive_bounds=(True, False),
        doc="Pull values of continuous annotations in to the quantiles at this share and at 1 less "
        "it, such as 0.001. 0: leave them as they are.",
        label="Winsorise annotations",
        metadata=facts("1"),
    )
    same_people = param.Boolean(
        False,
        doc="The LD panel is of the GWAS's own people, so that its sampling is no noise.",
        label="LD of the GWAS's own people",
    )
    shrink_strong = param.Boolean(
        False,
        doc="Leave the lead variants of strong loci (chi-square above 80, N / 1,000 and 30 times "
        "the mean) to the prior alone. They have a variance of their own otherwise, so that a few "
        "of them do not decide on annotations.",
        label="No variance of their own for strong loci",
    )
    tracks = param.List(
        default=[],
        item_type=str,
        doc="bigWig files of track models, each of all chromosomes, written to NAME.tracks.zarr "
        "beside the study; globs work.",
        metadata=facts(reads="tracks"),
    )
    track_window = param.Integer(
        256,
        bounds=(1, 100_000),
        doc="Bases of each track around a variant.",
        metadata=facts("bases"),
    )


class StudySettings(GwasSettings, AnnotatedStudy):
    """A study: summary statistics aligned to an LD panel, with annotations, whitened."""


class SimulateSettings(NewStudy):
    """A study whose truth is known."""

    ld = param.String(
        "",
        doc="LD panel to draw from. Empty: a coalescent simulation.",
        metadata=facts(reads="file"),
    )
    study = param.String(
        "",
        doc="Study to draw from, NAME.study.zarr: its LD, variants, sample sizes and annotations, "
        "with z-scores of a known truth.",
        metadata=facts(reads="file"),
    )
    truth: param.Selector[str] = param.Selector(
        default="interactions", objects=list(TRUTHS), doc="How annotations act on heritability."
    )
    h2 = param.Number(
        0.3, bounds=(0.001, 0.95), doc="Heritability in the whole study.", metadata=facts("1")
    )
    causal = param.Number(
        1.0,
        bounds=(0, 1),
        inclusive_bounds=(False, True),
        doc="Share of variants with an effect; those of larger prior variance are the more "
        "probable.",
        metadata=facts("1"),
    )
    n = param.Number(
        500_000,
        bounds=(100, None),
        doc="People in the GWAS.",
        label="People in the GWAS (N)",
        metadata=facts("people"),
    )
    annotations = param.Integer(
        24, bounds=(2, 500), doc="Number of annotations.", metadata=facts("annotations")
    )
    variants = param.Integer(
        100_000,
        bounds=(500, None),
        doc="Number of variants, where no LD panel is given.",
        metadata=facts("variants"),
    )
    chromosomes = param.Integer(
        22,
        bounds=(1, 22),
        doc="Number of chromosomes, where no LD panel is given.",
        metadata=facts("chromosomes"),
    )
    people = param.Integer(
        400,
        bounds=(50, None),
        doc="People of the population that GWAS and LD panel are drawn from, where no LD panel is "
        "given.",
        metadata=facts("people"),
    )
    panel_people = param.Integer(
        2_000,
        bounds=(0, None),
        doc="People of the LD panel that the GWAS is modelled with, drawn from the population. 0: "
        "its LD is known exactly.",
        metadata=facts("people"),
    )
    seed = param.Integer(
        1, bounds=(0, None), doc="Seed of every random number.", metadata=facts("1")
    )
