"""LD blocks of panels of people of population.py, given or cut, without z-scores."""

from typing import NamedTuple

import numpy as np
import xarray as xr
from population import Chromosome

from deepwas_app.core.block import whiten
from deepwas_app.genetics.ld.cuts import cut_blocks
from deepwas_app.genetics.ld.factor import standardise
from deepwas_app.workflow.settings import PanelSettings

KEPT = 0.99


class Block(NamedTuple):
    """A whitened LD block without z-scores.

    Attributes
    ----------
    rows
        Its variants among all typed ones.
    to_x
        From z to x as if LD were exact, (variants, components).
    eigenvalues, noise, background
        Of the whitened block, (components,).
    scores
        LD scores of the variants, corrected for the panel's sampling noise.
    """

    rows: np.ndarray
    to_x: np.ndarray
    eigenvalues: np.ndarray
    noise: np.ndarray
    background: np.ndarray
    scores: np.ndarray


def whitened(first: int, genotypes: np.ndarray, people: float) -> tuple[Block, np.ndarray]:
    """A block whose first variant has that number, and its factor W."""
    X = standardise(genotypes)[0]
    varies = np.flatnonzero(X.any(axis=0))
    X = X[:, varies] / np.sqrt(np.float32(len(X)))
    R = X.T @ X
    W = X.T if len(X) < len(R) else root(R)
    white = whiten(W, np.zeros(len(W)), variance=KEPT, people=people)
    Q, eigenvalues, noise, background = (
        np.asarray(part, np.float64)
        for part in (white.Q, white.eigenvalues, white.noise, white.background)
    )
    squared = (R**2).sum(axis=1, dtype=np.float64)
    scores = squared - (len(R) - squared) / (people - 2)
    to_x = (Q / eigenvalues).astype(np.float32)
    return Block(first + varies, to_x, eigenvalues, noise, background, scores), W


def root(R: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(R.astype(np.float64))
    return vectors * np.sqrt(np.maximum(values, 0))


class Drawn(NamedTuple):
    """One panel: its blocks, and the factors W of their LD."""

    people: float
    blocks: list[Block]
    factors: list[np.ndarray]

    @classmethod
    def draw(
        cls,
        chromosomes: list[Chromosome],
        people: float,
        cut: str,
        rng: np.random.Generator,
        largest: int | None = None,
    ) -> "Drawn":
        blocks, factors, first = [], [], 0
        for c in chromosomes:
            exact = np.isinf(people)
            genotypes = c.typed if exact else rng.choice(c.typed, int(people))
            starts = c.starts if cut == "given" else software_cuts(genotypes, largest)
            for part, at in zip(np.split(genotypes, starts[1:], axis=1), starts, strict=True):
                block, W = whitened(first + at, part.astype(np.float32), people)
                blocks.append(block)
                factors.append(W)
            first += genotypes.shape[1]
        return cls(people, blocks, factors)


def software_cuts(genotypes: np.ndarray, largest: int | None = None) -> np.ndarray:
    """First variants of LD blocks of at most so many variants, or as many as is the default."""
    size = genotypes.shape[1]
    table = xr.Dataset(
        {
            "variant_chromosome": ("variants", np.full(size, "1")),
            "variant_position": ("variants", 1 + np.arange(size)),
        }
    )
    largest = largest or PanelSettings().max_block
    places = cut_blocks(table, lambda rows: genotypes[:, rows].astype(np.float32), largest)
    return places["start"].to_numpy()
