"""What fine-mapping LD blocks of a study under a run needs."""

import json
from hashlib import sha256
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from deepwas_app.core.likelihood import noise_variance
from deepwas_app.core.priors import Model
from deepwas_app.core.remainder import remainder
from deepwas_app.genetics.content import content_hash
from deepwas_app.workflow.results.block_fits import BlockTask
from deepwas_app.workflow.runs.batches import block_slice, stored_block
from deepwas_app.workflow.runs.fitted import Fitted
from deepwas_app.workflow.runs.folds import parts
from deepwas_app.workflow.runs.heritability import prior_heritability
from deepwas_app.workflow.settings import plain
from deepwas_app.workflow.settings.results import FineMapKnobs

# Knobs that change the fits of LD blocks.
_FITTED = ("effects", "causal", "background", "coverage", "purity")


class BlockPrior(NamedTuple):
    """The prior at an LD block: the model, and per-variant heritability of it and its flanks."""

    model: Model
    v: np.ndarray


class BlockTasks:
    """Tasks of some LD blocks; each is read when it is asked for.

    Parameters
    ----------
    study, run
        The run gives the prior and the noise.
    blocks
        Their numbers.
    settings
        Knobs.

    Attributes
    ----------
    v
        Per-variant heritability of the variants of the blocks, (variants,); NaN elsewhere.
    priors
        The prior at each block.
    """

    def __init__(self, study: xr.Dataset, run: Fitted, blocks: np.ndarray, settings: FineMapKnobs):
        self._study, self._settings = study, settings
        size, own = study.sizes["variants"], study["variant_block"].values
        self.v = np.full(size, np.nan)
        # The prior that is used at a block is used at its flanks there, too.
        self.priors: dict[int, BlockPrior] = {}
        for part in parts(study, run):
            members = {
                int(b): np.arange(*block_slice(study, b).indices(size))
                for b in np.intersect1d(blocks, part.blocks)
            }
            if not members:
                continue
            here = np.full(size, np.nan)
            every = np.unique(np.concatenate([*members.values()]))
            here[every] = prior_heritability(study, part.model, str(run.path), every)
            for b, its in members.items():
                self.priors[b] = BlockPrior(part.model, here[its])
                mine = its[own[its] == b]
                self.v[mine] = here[mine]

    def d(self, b: int) -> np.ndarray:
        """Prior variance of b_j of a block's variants and of those of its flanks."""
        rows = block_slice(self._study, b)
        return np.asarray(self._study["variant_sample_size"].values[rows] * self.priors[b].v)

    def task(self, b: int, causal: dict[str, float | None]) -> BlockTask:
        """What fine-mapping a block needs where so many causal variants are expected, by prior."""
        study, settings, rows = self._study, self._settings, block_slice(self._study, b)
        block, (model, prior), d = stored_block(study, b), self.priors[b], self.d(b)
        mine = study["variant_block"].values[rows] == b
        scored = mine & study["variant_scored"].values[rows]
        z = np.where(scored, study["variant_z"].values[rows].astype(np.float64), np.nan)
        return BlockTask(
            np.asarray(block.Q),
            np.asarray(block.x),
            noise_variance(block, d, float(model.s2), float(model.kappa), xp=np),
            remainder(block, z, float(model.s2)),
            prior,
            d,
            mine,
            settings.effects,
            causal,
            settings.background,
            settings.coverage,
            settings.purity,
        )

    def made_of(self, **further: Any) -> str:
        """Hash of what fits follow from: all of this, and what else is given."""
        study, settings = self._study, self._settings
        knobs = {name: value for name, value in plain(settings).items() if name in _FITTED}
        noise = [[b, float(p.model.s2), float(p.model.kappa)] for b, p in self.priors.items()]
        version = metadata.version("deepwas-explorer")
        text = json.dumps([version, content_hash(study), knobs | further, noise], sort_keys=True)
        digest = sha256(text.encode())
        for prior in self.priors.values():
            digest.update(prior.v.tobytes())
        return digest.hexdigest()
