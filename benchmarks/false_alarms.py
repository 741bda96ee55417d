"""How often checks of summary statistics stop a right file, and wrong ones pass.

    python benchmarks/false_alarms.py -o benchmarks/false_alarms.tsv

GWAS of 5,000 to a million people are drawn through the LD panel of the built-in height study
(chromosome 22, 378 people), of every polygenicity, binary and quantitative, with P and standard
errors rounded to one to six digits, genomic control in a fourth of them, frequencies of 300 to
300,000 other people of another population (an s.d. of 0.03), and alleles swapped at random; half
of those whose frequencies might be of minor alleles count these throughout. Two minutes of one
core.

check
    Name of the check.
files, stopped
    Right files, and how many of them it stops.
wrong, wrong_files, caught
    A way to be wrong, such files, and how many of them it stops. Signs are told from LD only where
    at least three LD blocks have strong z-scores.
"""

import numpy as np
import xarray as xr
from command import parser, table
from scipy.stats import norm

from deepwas_app.genetics.gwas.plausible import (
    BLOCKS,
    PAIRS,
    frequencies,
    ld_signs,
    minor_frequencies,
    one_sign,
    p_and_se,
    p_range,
    sign_agreement,
)
from deepwas_app.genetics.ld.panel import open_panel, read_factor
from deepwas_app.workflow.studies.builtin import build_builtin


class Panel:
    """The LD panel, its factors in memory."""

    def __init__(self, panel: xr.Dataset) -> None:
        self.frequency = panel["variant_allele_frequency"].values.astype(float)
        self.place = panel["variant_chromosome"].values, panel["variant_position"].values
        first, sizes = panel["block_offset"].values, panel["block_variants"].values
        self.rows = [slice(a, a + n) for a, n in zip(first, sizes, strict=True)]
        self.W = [np.asarray(read_factor(panel, b), float) for b in range(panel.sizes["blocks"])]

    def draw(self, rng: np.random.Generator, n: float) -> np.ndarray:
        """z-scores of a GWAS of n people."""
        h2, share = rng.uniform(0, 0.02), 10 ** rng.uniform(-3.5, 0)
        deviation = np.sqrt(n * h2 / (len(self.frequency) * share))
        z = np.zeros(len(self.frequency))
        for W, rows in zip(self.W, self.rows, strict=True):
            effects = rng.standard_normal(len(W)) * (rng.random(len(W)) < share) * deviation
            z[rows] = W @ (W.T @ effects + rng.standard_normal(W.shape[1]))
        return z

    def signs(self, z: np.ndarray) -> list[tuple[int, int]]:
        return [sign_agreement(W, z[rows]) for W, rows in zip(self.W, self.rows, strict=True)]


def rounded(values: np.ndarray, digits: int) -> np.ndarray:
    return np.array([float(f"{value:.{digits}e}") for value in values])


def outcomes(panel: Panel, seed: int) -> dict[tuple[str, str], bool]:
    """By check and what is wrong ("" for nothing), whether the file is stopped."""
    rng = np.random.default_rng(seed)
    n, digits = 10 ** rng.uniform(3.7, 6), int(rng.integers(1, 7))
    # Of the file's effect allele, which is either one; the panel's is the minor one.
    f = np.where(rng.random(len(panel.frequency)) < 0.5, panel.frequency, 1 - panel.frequency)
    z = panel.draw(rng, n)
    se = (1 + seed % 2) / np.sqrt(2 * n * f * (1 - f))
    effect, controlled = z * se, z / np.sqrt(1 + 0.3 * rng.random() * (seed % 4 == 1))
    p = rounded(2 * norm.sf(np.abs(controlled)), digits)
    with np.errstate(divide="ignore"):
        log_p = np.log(p)
    seen = rng.binomial(2 * (people := int(rng.choice([300, 3_000, 300_000]))), f) / (2 * people)
    seen = np.clip(seen + 0.03 * rng.standard_normal(len(f)), 0, 1)
    swapped = np.where(rng.random(len(z)) < rng.random(), -z, z)
    # Of the allele that is the minor one among them, and the panel's of the same.
    minor = np.minimum(seen, 1 - seen), np.where(seen > 0.5, 1 - f, f)
    found: dict[tuple[str, str], str | bool] = {
        ("p-range", ""): p_range(p),
        ("p-range", "-log10 P"): p_range(-log_p / np.log(10)),
        ("p-and-se", ""): p_and_se(effect, rounded(se, digits), log_p),
        ("p-and-se", "odds ratio as effect"): p_and_se(np.exp(effect), se, log_p),
        ("p-and-se", "P of other rows"): p_and_se(effect, se, np.roll(log_p, 1)),
        ("one-sign", ""): one_sign(swapped, *panel.place),
        ("one-sign", "no signs"): one_sign(np.abs(z), *panel.place),
        ("frequencies", ""): frequencies(seen, f, 0.2),
        ("frequencies", "of the other allele"): frequencies(1 - seen, f, 0.2),
        ("minor frequencies", ""): minor_frequencies(*(minor if seed % 2 else (seen, f))),
        ("minor frequencies", "of the minor allele"): minor_frequencies(minor[0], f),
        ("minor frequencies", "one in ten counts the major allele"): minor_frequencies(
            minor[0], np.where(rng.random(len(f)) < 0.1, 1 - minor[1], minor[1])
        ),
    }
    signs = panel.signs(z)
    found["ld-signs", ""] = ld_signs(signs)
    if sum(pairs >= PAIRS for _, pairs in signs) >= BLOCKS:
        flipped = np.where(rng.random(len(z)) < 0.3, -z, z)
        found["ld-signs", "30% of signs flipped"] = ld_signs(panel.signs(flipped))
    return {key: bool(said) for key, said in found.items()}


def main() -> None:
    words = parser(0)
    words.add_argument("--studies", type=int, default=200)
    options = words.parse_args()
    panel = Panel(open_panel(build_builtin("height_chr22").with_name("height_chr22.ld.zarr")))
    counts: dict[tuple[str, str], list[int]] = {}
    for seed in range(5 if options.quick else options.studies):
        for key, stopped in outcomes(panel, options.seed + seed).items():
            files = counts.setdefault(key, [0, 0])
            files[0] += 1
            files[1] += stopped
    rows = table(options, ("check", "files", "stopped", "wrong", "wrong_files", "caught"))
    for (check, wrong), (files, caught) in counts.items():
        if wrong:
            rows.writerow((check, *counts[check, ""], wrong, files, caught))


if __name__ == "__main__":
    main()
