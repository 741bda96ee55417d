"""How many causal variants fine-mapping expects in an LD block: given, or learned."""

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
import xarray as xr

from deepwas_app.core.causal_number import expected_number
from deepwas_app.counting import counted
from deepwas_app.workflow.progress import Progress
from deepwas_app.workflow.results.block_fits import evidence_of, several
from deepwas_app.workflow.results.block_tasks import BlockTasks
from deepwas_app.workflow.runs.batches import block_slice
from deepwas_app.workflow.runs.fitted import Fitted
from deepwas_app.workflow.runs.split import usable_blocks
from deepwas_app.workflow.settings.results import FineMapKnobs

# LD blocks, all along the genome, that it is learned from.
MOST_BLOCKS = 64
# Fits are repeated at the number that was learned until it moves by less than this share of it.
_START, _ROUNDS, _CLOSE = 2.0, 4, 0.1
# What was learned in this process, by what it follows from.
_LEARNED: dict[str, "CausalNumber"] = {}


class CausalNumber(NamedTuple):
    """How many causal variants are expected in LD blocks before their data are seen.

    Attributes
    ----------
    mean
        In a mean block; inf: as many as effects are allowed.
    learned_from
        LD blocks that it was learned from; 0 where it was given, and is that of every block.
    variance, variants
        Prior variance of b_j that a mean block has in all, and its variants.
    """

    mean: float
    learned_from: int = 0
    variance: float = 1.0
    variants: float = 1.0

    @property
    def words(self) -> str:
        """What is expected, and why, for people."""
        if not self.learned_from:
            given = "as many as effects" if np.isinf(self.mean) else f"{self.mean:g}"
            return f"causal variants expected an LD block: {given}, as asked for"
        return (
            f"causal variants expected an LD block: {self.mean:.2g} on average, learned from "
            f"{counted(self.learned_from, 'LD block')}"
        )

    def expected(self, d: np.ndarray) -> dict[str, float | None]:
        """In a block by prior: in proportion to its prior variance, or to its variants.

        Parameters
        ----------
        d
            Prior variance of b_j of its variants, (variants,).
        """
        if not self.learned_from:
            given = None if np.isinf(self.mean) else self.mean
            return {"model": given, "uniform": given}
        return {
            "model": self.mean * float(d.sum()) / self.variance,
            "uniform": self.mean * len(d) / self.variants,
        }


def causal_number(
    study: xr.Dataset, run: Fitted, settings: FineMapKnobs
) -> Generator[Progress, None, CausalNumber]:
    """What is given, or else what has the most evidence in LD blocks all along the study.

    Parameters
    ----------
    study, run
        The run gives the prior and the noise.
    settings
        Knobs; `causal` None: learned.

    Notes
    -----
    Blocks are fitted under the run's prior at one number, then at the one that these fits suggest
    (see :func:`deepwas_app.core.causal_number.expected_number`), and so on. It does not depend on
    which region is fine-mapped.
    """
    if settings.causal is not None:
        return CausalNumber(settings.causal)
    usable = usable_blocks(study)
    chosen = np.linspace(0, len(usable) - 1, min(MOST_BLOCKS, len(usable))).round().astype(int)
    blocks = usable[chosen]
    tasks = BlockTasks(study, run, blocks, settings)
    key = tasks.made_of()
    if key in _LEARNED:
        return _LEARNED[key]
    sizes = np.array([float(tasks.d(int(b)).sum()) for b in blocks])
    variants = [len(range(*block_slice(study, b).indices(study.sizes["variants"]))) for b in blocks]
    found = CausalNumber(_START, len(blocks), float(sizes.mean()), float(np.mean(variants)))
    for _ in range(_ROUNDS):
        evidence = []
        at = (tasks.task(int(b), found.expected(tasks.d(int(b)))) for b in blocks)
        for one in several(evidence_of, at, settings.workers):
            evidence.append(one)
            # How far the fine-mapping itself is.
            yield Progress(0.0, f"number of causal variants, LD block {len(evidence):,}")
        before = found.mean
        mean = expected_number(np.stack(evidence), sizes / found.variance, before)
        found = found._replace(mean=mean)
        if abs(np.log(mean / before)) < _CLOSE:
            break
    _LEARNED[key] = found
    return found
