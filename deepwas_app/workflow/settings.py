"""Every knob, declared once: widgets, command-line flags and run records are made from these."""

from typing import Any

import param

from deepwas_app.genetics.formats import FORMATS, ROLES

PRIORS = ("constant", "linear", "enrichment", "mlp", "transformer")
LINKS = ("exp", "softplus", "relu")
OBJECTIVES = ("likelihood", "ldsr")
SOLVERS = ("auto", "exact", "iterative")
SIZES = ("XS", "S", "M", "L", "XL")
TRUTHS = ("constant", "linear", "interactions")
BUILDS = ("hg19", "hg38")


def plain(settings: param.Parameterized) -> dict[str, Any]:
    """The settings by name, to be recorded, compared or changed."""
    return {name: value for name, value in settings.param.values().items() if name != "name"}


class PanelSettings(param.Parameterized):
    """An LD panel, from one LD source."""

    bfile = param.String("", doc="PLINK 1 genotypes: the path without .bed, .bim, .fam.")
    pfile = param.String("", doc="PLINK 2 genotypes: the path without .pgen, .pvar, .psam.")
    sbayesrc = param.String(
        "", doc="Folder of SBayesRC or GCTB eigen files: ldm.info, snp.info, block*.eigen.bin."
    )
    ukbb = param.String(
        "", doc="Folder of UK Biobank LD windows: chr<c>_<start>_<end>.npz, with .gz tables."
    )
    ldgm = param.String("", doc="Folder of LDGM precision matrices: .edgelist and .snplist.")
    prscs = param.String(
        "", doc="PRS-CS panel: its folder, or one ldblk_*_chr<c>.hdf5; snpinfo_* beside it."
    )
    dense = param.List(
        default=[], item_type=str, doc="Correlation matrices, .npy or .npz, one LD block each."
    )
    variants = param.List(
        default=[],
        item_type=str,
        doc="Variant table of each correlation matrix. Empty: those of the same name beside them.",
    )
    blocks = param.String(
        "",
        doc="BED file of LD blocks, for genotypes and correlation matrices. Empty: genotypes are "
        "cut where LD is lowest.",
    )
    max_block = param.Integer(
        2_000, bounds=(50, 50_000), doc="Most variants in an LD block, where the software cuts."
    )
    variance = param.Number(
        0.99, bounds=(0.5, 1.0), doc="Share of the variance of each LD block to keep."
    )
    maf = param.Number(
        0.0, bounds=(0.0, 0.5), doc="Drop variants with a lower minor allele frequency."
    )
    population = param.String("EUR", doc="Population of the LDGM files: EUR, EAS, AFR, SAS, AMR.")
    people = param.Integer(
        0, bounds=(0, None), doc="People behind the LD, where the source does not say. 0: unknown."
    )
    build: param.Selector[str] = param.Selector(
        default="",
        objects=["", *BUILDS],
        doc="Genome build. Empty: as the source says (LDGM: hg38), else hg19.",
    )
    output = param.String("", doc="Where to write the panel, NAME.ld.zarr.")


class StudySettings(param.Parameterized):
    """A study: summary statistics aligned to an LD panel, with annotations, whitened."""

    sumstats = param.String("", doc="GWAS summary statistics.")
    ld = param.String("", doc="LD panel, NAME.ld.zarr.")
    annotations = param.List(
        default=[],
        item_type=str,
        doc="Annotation files: tables, LDSC .annot, BED (FILE.bed#5 for its values), bigWig "
        "(FILE.bw#1000 for the mean in a window), gene tables, .gmt gene sets, or the word "
        "genes; globs and {CHR} work.",
    )
    format: param.Selector[str] = param.Selector(
        default="", objects=["", *FORMATS], doc="Format of the GWAS. Empty: by its header."
    )
    column = param.List(
        default=[],
        item_type=str,
        doc="Which column of the GWAS is what, where its header does not say: ROLE=NAME. Roles: "
        f"{', '.join(ROLES)}.",
    )
    n = param.Number(
        None, bounds=(1, None), allow_None=True, doc="People in the GWAS, where the file has no N."
    )
    cases = param.Number(
        None,
        bounds=(1, None),
        allow_None=True,
        doc="Cases in the GWAS; with --controls, N is the effective one, 4 / (1/cases + "
        "1/controls).",
    )
    controls = param.Number(
        None, bounds=(1, None), allow_None=True, doc="Controls in the GWAS; see --cases."
    )
    build: param.Selector[str] = param.Selector(
        default="", objects=["", *BUILDS], doc="Genome build of the GWAS. Empty: as the panel."
    )
    chain = param.String("", doc="Chain file that lifts the GWAS over to the panel's genome build.")
    max_frequency_difference = param.Number(
        0.2,
        bounds=(0.0, 1.0),
        doc="Drop variants whose allele frequency is further than this from the panel's.",
    )
    exclude_regions = param.List(
        default=[],
        item_type=str,
        doc="Regions that are not scored: mhc, long-range (long-range LD, with the MHC), or BED "
        "files.",
    )
    variance = param.Number(
        0.99, bounds=(0.5, 1.0), doc="Share of the variance of each LD block to keep."
    )
    tracks = param.List(
        default=[],
        item_type=str,
        doc="bigWig files of track models, written to NAME.tracks.zarr beside the study; globs "
        "work.",
    )
    track_window = param.Integer(
        256, bounds=(1, 100_000), doc="Bases of each track around a variant."
    )
    title = param.String("", doc="Name shown to people. Empty: from the output's name.")
    output = param.String("", doc="Where to write the study, NAME.study.zarr.")


class SimulateSettings(param.Parameterized):
    """A study whose truth is known."""

    ld = param.String("", doc="LD panel to draw from. Empty: a coalescent simulation.")
    truth: param.Selector[str] = param.Selector(
        default="interactions", objects=list(TRUTHS), doc="How annotations act on heritability."
    )
    h2 = param.Number(0.3, bounds=(0.001, 0.95), doc="Heritability in the whole study.")
    n = param.Number(500_000, bounds=(100, None), doc="People in the GWAS.")
    annotations = param.Integer(24, bounds=(2, 500), doc="Number of annotations.")
    variants = param.Integer(
        100_000, bounds=(500, None), doc="Number of variants, where no LD panel is given."
    )
    chromosomes = param.Integer(
        22, bounds=(1, 22), doc="Number of chromosomes, where no LD panel is given."
    )
    people = param.Integer(
        400, bounds=(50, None), doc="People in the reference panel, where no LD panel is given."
    )
    variance = param.Number(
        0.99, bounds=(0.5, 1.0), doc="Share of the variance of each LD block to keep."
    )
    seed = param.Integer(1, bounds=(0, None), doc="Seed of every random number.")
    title = param.String("", doc="Name shown to people. Empty: from the output's name.")
    output = param.String("", doc="Where to write the study, NAME.study.zarr.")


class TrainSettings(param.Parameterized):
    """One training run."""

    prior: param.Selector[str] = param.Selector(
        default="linear",
        objects=list(PRIORS),
        doc="How heritability depends on annotations: not at all, linearly up to a link, by two "
        "classes of variants, by a multilayer perceptron, or by a transformer over the tracks "
        "around a variant.",
    )
    size: param.Selector[str] = param.Selector(
        default="",
        objects=["", *SIZES],
        doc="Named size of an MLP or transformer, in place of width and depth.",
    )
    width = param.Integer(
        64, bounds=(1, 4096), doc="Units in each hidden layer (MLP) or channels (transformer)."
    )
    depth = param.Integer(2, bounds=(1, 24), doc="Hidden layers (MLP) or layers (transformer).")
    link: param.Selector[str] = param.Selector(
        default="exp",
        objects=list(LINKS),
        doc="Linear prior: from the linear score to variance. relu with the objective ldsr is the "
        "model of S-LDSC.",
    )
    coefficient_sd = param.Number(
        0.5,
        bounds=(1e-3, 1e3),
        doc="Linear prior: s.d. of a weak normal prior on each coefficient, in log variance per "
        "s.d. of the annotation. It matters only where the data say little; 1000 turns it off.",
    )
    objective: param.Selector[str] = param.Selector(
        default="likelihood",
        objects=list(OBJECTIVES),
        doc="What training maximises: the full likelihood, or LD score regression's weighted fit. "
        "Both are scored by the full likelihood of what is held out; regression takes its noise, "
        "s2 and kappa, from the constant prior.",
    )
    s2 = param.Number(
        None, bounds=(1e-3, 1e3), allow_None=True, doc="Fix the noise scale. Default: learned."
    )
    kappa = param.Number(
        None, bounds=(1e-9, 1e3), allow_None=True, doc="Fix the LD mismatch. Default: learned."
    )
    solver: param.Selector[str] = param.Selector(
        default="auto",
        objects=list(SOLVERS),
        doc="Cholesky factors, or conjugate gradients with random probes. auto: by the size of the "
        "blocks and the device. Constant and linear priors are always fitted by Cholesky factors.",
    )
    probes = param.Integer(16, bounds=(2, 4096), doc="Random probes of the iterative solver.")
    max_iterations = param.Integer(
        1000, bounds=(1, 100_000), doc="Iterations after which the iterative solver gives up."
    )
    epochs = param.Integer(
        15,
        bounds=(1, 10_000),
        doc="Passes over the training blocks (constant and linear priors stop by themselves).",
    )
    learning_rate = param.Number(
        3e-3, bounds=(1e-6, 1.0), inclusive_bounds=(True, True), doc="AdamW's peak step size."
    )
    batch_blocks = param.Integer(4, bounds=(1, 1024), doc="LD blocks in a mini-batch.")
    validation_chromosomes = param.String(
        "",
        doc="Chromosomes, as 1,2, that are neither trained on nor tested on: training stops early "
        "when they are predicted no better, and keeps the best epoch. auto: an eighth of them, "
        "or of the training blocks where there are few. Empty: no early stopping.",
    )
    patience = param.Integer(
        5, bounds=(1, 1000), doc="Passes without gain on the validation chromosomes before a stop."
    )
    precision: param.Selector[str] = param.Selector(
        default="float32",
        objects=["float32", "bfloat16"],
        doc="Arithmetic inside the transformer. The likelihood is always in float32.",
    )
    rematerialise = param.Boolean(False, doc="Transformer: compute layers twice to save memory.")
    memory = param.Number(
        4.0,
        bounds=(0.0, 1e4),
        doc="GB of LD blocks to keep on the device; a larger study is read from disk in every "
        "pass, ahead of its use.",
    )
    test_chromosomes = param.String(
        "", doc="Held-out chromosomes, as 6,7,8. Empty: chosen for you. none: train on all."
    )
    test_blocks = param.String("", doc="Held-out LD blocks by number from 0, as 3,7,11.")
    alpha = param.Number(
        0.7,
        bounds=(0.0, 1.5),
        doc="Per-variant heritability is proportional to (p (1 - p)) ** alpha.",
    )
    seed = param.Integer(0, bounds=(0, None), doc="Seed of weights and of the order of blocks.")


class ScalingSettings(param.Parameterized):
    """Held-out likelihood against the number of parameters."""

    sizes = param.List(
        default=["linear", "XS", "S", "M", "L", "XL"],
        item_type=str,
        doc="Models to compare: constant, linear, XS to XL, or WIDTHxDEPTH of a network.",
    )
    prior: param.Selector[str] = param.Selector(
        default="mlp", objects=["mlp", "transformer"], doc="The network that the sizes are of."
    )
    objectives = param.List(
        default=["likelihood", "ldsr"],
        item_type=str,
        doc="What training maximises: likelihood, ldsr.",
    )
    seeds = param.Integer(1, bounds=(1, 100), doc="Seeds per model; not for constant and linear.")
    epochs = param.Integer(
        20, bounds=(1, 10_000), doc="Passes over the training blocks (networks)."
    )
    learning_rate = param.Number(3e-3, bounds=(1e-6, 1.0), doc="AdamW's peak step size.")
    test_chromosomes = param.String("", doc="Held-out chromosomes, as 6,7,8.")
    test_blocks = param.String("", doc="Held-out LD blocks by number from 0, as 3,7,11.")
    validation_chromosomes = param.String(
        "auto",
        doc="Chromosomes, as 1,2, for early stopping. auto: an eighth of them, or "
        "of the training blocks where there are few. none: no early stopping.",
    )
    patience = param.Integer(
        5, bounds=(1, 1000), doc="Passes without gain on the validation chromosomes before a stop."
    )
