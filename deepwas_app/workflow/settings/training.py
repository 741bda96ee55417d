"""Knobs of a training run."""

from collections.abc import Mapping
from typing import Any, ClassVar

import param

from deepwas_app.core.objectives import OBJECTIVES
from deepwas_app.core.priors import ALPHA, LINKS, PRIORS
from deepwas_app.workflow.settings.base import facts
from deepwas_app.workflow.settings.shared import HeldOut

SOLVERS = ("auto", "exact", "iterative")
SIZES = tuple(dict.fromkeys(size for kind in PRIORS.values() for size in kind.sizes))


def _what_each_is(entries: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {entry.doc}" for name, entry in entries.items())


class TrainSettings(HeldOut):
    """One training run."""

    groups: ClassVar[dict[str, tuple[str, ...]]] = {
        "the prior": (
            *("prior", "size", "width", "depth", "tower", "link"),
            *("coefficient_sd", "alpha"),
        ),
        "the objective and the noise": ("objective", "s2", "kappa"),
        "how it is fitted": (
            *("epochs", "batch_blocks", "learning_rate", "patience", "seed"),
            *("solver", "probes", "max_iterations"),
        ),
        "what is held out": (
            *("validation_chromosomes", "test_chromosomes", "test_blocks", "folds"),
        ),
        "memory and precision": ("precision", "rematerialise", "memory"),
    }

    prior: param.Selector[str] = param.Selector(
        default="linear",
        objects=list(PRIORS),
        doc=f"How heritability depends on annotations. {_what_each_is(PRIORS)}.",
    )
    size: param.Selector[str] = param.Selector(
        default="",
        objects=["", *SIZES],
        doc="Named size of an MLP (XS to XL) or a transformer (also 4M, 15M and 50M "
        "parameters), in place of width and depth.",
        label="Named size",
        metadata=facts(empty="width and depth below"),
    )
    width = param.Integer(
        64,
        bounds=(1, 4096),
        doc="Units in each hidden layer (MLP) or channels (transformer).",
        metadata=facts("units"),
    )
    depth = param.Integer(
        2,
        bounds=(1, 24),
        doc="Hidden layers (MLP) or layers (transformer).",
        metadata=facts("layers"),
    )
    tower = param.Boolean(
        True,
        label="Convolution tower",
        doc="Transformer: windows are shortened by storeys of convolutions, each two positions to "
        "one, in place of one pooling.",
    )
    link: param.Selector[str] = param.Selector(
        default="exp",
        objects=list(LINKS),
        doc="Linear prior: from the linear score to variance. relu with the objective ldsr is the "
        "model of S-LDSC.",
    )
    coefficient_sd = param.Number(
        None,
        bounds=(1e-3, 1e3),
        allow_None=True,
        doc="Linear prior: fix the s.d. of the normal prior on coefficients, in log variance per "
        "s.d. of the annotation; 1000 turns it off. Default: learned, so that many annotations "
        "which say nothing are pulled to 0; 0.5 for the objective ldsr.",
        metadata=facts("log variance per s.d.", empty="learned"),
    )
    objective: param.Selector[str] = param.Selector(
        default="likelihood",
        objects=list(OBJECTIVES),
        doc=f"What training maximises. {_what_each_is(OBJECTIVES)}. All are scored by the full "
        "likelihood of what is held out.",
    )
    s2 = param.Number(
        None,
        bounds=(1e-3, 1e3),
        allow_None=True,
        doc="Fix the noise scale. Default: learned.",
        metadata=facts("1", empty="learned"),
    )
    kappa = param.Number(
        None,
        bounds=(0.0, 1e3),
        allow_None=True,
        doc="Fix the LD mismatch. Default: 0 where the study allows for the people behind its LD, "
        "or has the GWAS's own; else learned.",
        metadata=facts("1"),
    )
    solver: param.Selector[str] = param.Selector(
        default="auto",
        objects=list(SOLVERS),
        doc="Cholesky factors, or conjugate gradients with random probes. auto: by the size of the "
        "blocks and the device. Constant and linear priors are always fitted by Cholesky factors.",
    )
    probes = param.Integer(
        16, bounds=(2, 4096), doc="Random probes of the iterative solver.", metadata=facts("probes")
    )
    max_iterations = param.Integer(
        1000,
        bounds=(1, 100_000),
        doc="Iterations after which the iterative solver gives up.",
        metadata=facts("iterations"),
    )
    epochs = param.Integer(
        15,
        bounds=(1, 10_000),
        doc="Passes over the training blocks (constant and linear priors stop by themselves).",
        metadata=facts("passes"),
    )
    batch_blocks = param.Integer(
        4,
        bounds=(1, 1024),
        doc="LD blocks in a mini-batch.",
        label="Blocks per batch",
        metadata=facts("LD blocks"),
    )
    precision: param.Selector[str] = param.Selector(
        default="float32",
        objects=["float32", "bfloat16"],
        doc="Arithmetic inside the transformer. The likelihood is always in float32.",
    )
    rematerialise = param.Boolean(
        False,
        doc="Transformer: compute layers twice to save memory also where it is not short. On a CPU "
        "they always are, which takes no longer there.",
    )
    memory = param.Number(
        4.0,
        bounds=(0.0, 1e4),
        doc="GB of LD blocks to keep on the device; a larger study is read from disk in every "
        "pass, ahead of its use.",
        metadata=facts("GB"),
    )
    alpha = param.Number(
        ALPHA,
        bounds=(0.0, 1.5),
        allow_None=True,
        doc="Per-variant heritability is proportional to (p (1 - p)) ** alpha; learned where this "
        "is left open.",
        label="Frequency exponent alpha",
        metadata=facts("1", empty="learned"),
    )
    seed = param.Integer(
        0, bounds=(0, None), doc="Seed of weights and of the order of blocks.", metadata=facts("1")
    )

    folds = param.String(
        "",
        doc="Cross-fitting: also train a prior without the chromosomes of each fold, used for them "
        "at loci, in fine-mapping and in exports. chromosomes: odd and even ones; or a number of "
        "folds. Empty: none.",
    )

    def __init__(self, **values: Any) -> None:
        # With those that were added since, as in a notebook.
        for name, entries in (("prior", PRIORS), ("objective", OBJECTIVES)):
            if type(self).param[name].objects != list(entries):
                type(self).param[name].objects = list(entries)
        super().__init__(**values)
