from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from deepwas_app.genetics.ld.cuts import best_cuts, crossing_ld, cut_blocks


def blocky(rng: np.random.Generator, sizes: list[int], people: int = 400) -> np.ndarray:
    """Genotypes in blocks of strong LD that know nothing of each other."""
    parts = []
    for size in sizes:
        latent = 1.5 * rng.standard_normal((2, people, 1)) + rng.standard_normal((2, people, size))
        parts.append((latent > 0).sum(axis=0))
    return np.concatenate(parts, axis=1).astype(np.float32)


def table(position: np.ndarray, chromosome: list[str]) -> xr.Dataset:
    return xr.Dataset(
        {
            "variant_chromosome": ("variants", np.array(chromosome)),
            "variant_position": ("variants", position),
        }
    )


def test_known_boundaries_are_found():
    sizes = [30, 45, 25, 50, 40]
    dosages = blocky(np.random.default_rng(0), sizes)
    total = sum(sizes)
    genotypes = table(100 * np.arange(1, total + 1), ["1"] * total)
    blocks = cut_blocks(genotypes, lambda rows: dosages[:, rows], largest=55)
    edges = np.cumsum(sizes)
    assert blocks["stop"].tolist() == (100 * edges).tolist()
    assert blocks["start"].tolist() == [99, *(100 * edges[:-1])]


def test_unsorted_rows_and_chromosomes_are_kept_apart():
    rng = np.random.default_rng(1)
    dosages = blocky(rng, [20, 20, 10])
    position = np.r_[10 * np.arange(1, 41), 10 * np.arange(1, 11)]
    chromosome = np.array(["2"] * 40 + ["1"] * 10)
    mixed = rng.permutation(50)
    blocks = cut_blocks(
        table(position[mixed], chromosome[mixed].tolist()),
        lambda rows: dosages[:, mixed][:, rows],
        largest=25,
    )
    assert blocks.to_numpy().tolist() == [["1", 9, 100], ["2", 9, 200], ["2", 200, 400]]


def test_missing_and_constant_genotypes_do_not_matter():
    dosages = blocky(np.random.default_rng(2), [30, 30])
    dosages[5:40, 12] = np.nan
    dosages[:, 40] = 2
    crossing = crossing_ld(np.arange(60), lambda rows: dosages[:, rows])
    assert np.isfinite(crossing).all()
    assert crossing.argmin() in (0, 29, 58)
    assert crossing[29] < 0.15 * np.median(crossing)


def test_crossing_ld_is_the_sum_over_pairs_and_chunks_do_not_show(monkeypatch):
    import deepwas_app.genetics.ld.cuts as cuts

    dosages = blocky(np.random.default_rng(3), [25, 35])
    monkeypatch.setattr(cuts, "REACH", 8)
    r2 = np.maximum(np.corrcoef(dosages.T) ** 2 - 1 / 400, 0)
    near = np.abs(np.subtract.outer(np.arange(60), np.arange(60))) <= 8
    expected = [(r2 * near)[: g + 1, g + 1 :].sum() for g in range(59)]
    for chunk in (7, 1000):
        monkeypatch.setattr(cuts, "_CHUNK", chunk)
        found = crossing_ld(np.arange(60), lambda rows: dosages[:, rows])
        np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_cuts_are_the_cheapest_of_all():
    """Against every way to cut, on a row short enough to try them."""
    from itertools import combinations

    rng = np.random.default_rng(4)
    crossing = rng.uniform(size=11)
    cuts = best_cuts(crossing, 4)
    assert np.diff(np.r_[0, cuts, 12]).max() <= 4
    ways = [
        chosen
        for count in range(12)
        for chosen in combinations(range(1, 12), count)
        if np.diff(np.r_[0, chosen, 12]).max() <= 4
    ]
    cheapest = min(sum(crossing[c - 1] for c in chosen) for chosen in ways)
    assert crossing[cuts - 1].sum() == pytest.approx(cheapest, abs=0.01)


def test_variants_of_one_position_stay_together():
    crossing = np.array([5.0, np.inf, 0.1, np.inf, 4.0])
    assert best_cuts(crossing, 4).tolist() == [3]
    assert best_cuts(np.full(9, np.inf), 5).tolist() == [5]
