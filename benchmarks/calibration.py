"""Do 95% intervals of coefficients and enrichments hold the truth?

    python benchmarks/calibration.py -o benchmarks/calibration.tsv
    python benchmarks/calibration.py --blocks 60 --studies 200 --scenarios "$MLP"

The first makes all rows but the last eight (about 7 minutes of one core), the second those, where
MLP="under the model, fitted by an MLP".

Every study has 80 variants in each LD block and six annotations, three of them binary, fitted
with the software's defaults; a variant's signal N v is 0.3 on average. Rows of the table are
coefficients (per s.d.), enrichments of the binary annotations and of the top fifth of the
continuous ones; ``all`` counts over annotations and studies.

truth, bias, sd
    True value; mean and s.d. of the estimates, less the truth, over studies.
mean_se
    Mean standard error.
score_sd
    s.d. of (estimate - truth) / error: on the log odds of the share for enrichments, whose
    intervals the software takes on that scale.
covered, covered_se
    Share of 95% intervals that hold the truth, and its error (studies are independent).
covered_symmetric
    The same for estimate +- 1.96 errors.
"""

import argparse
import csv
import sys
import time

import numpy as np
from scipy.special import logit
from scipy.stats import norm
from studies import BINARY, COEFFICIENTS, Design, Fit, make_panel

from deepwas_app.core.effects import enrichment_interval
from deepwas_app.core.jackknife import jackknife_error

COLUMNS = (
    "blocks", "scenario", "studies", "quantity", "annotation", "truth", "bias", "sd", "mean_se",
    "score_sd", "covered", "covered_se", "covered_symmetric",
)  # fmt: skip
SCENARIOS = {
    "under the model": {},
    "sparse effects, 1 variant in 20": {"sparse": 0.05},
    "LD of the other half of the panel": {"other_half": True},
    "under the model, fitted by an MLP": {"prior": "mlp"},
}
LINEAR = [name for name, scenario in SCENARIOS.items() if "prior" not in scenario]
HALF = norm.ppf(0.975)


def run(panel, studies: int, sparse: float = 1.0, other_half: bool = False, prior: str = "linear"):
    """The design and the fits of so many studies."""
    design = Design(panel, 0.3, reference=panel.other if other_half else None)
    rng = np.random.default_rng(1)
    return design, [design.fit(design.draw(rng, sparse), prior) for _ in range(studies)]


def rows(design: Design, fits: list[Fit]):
    """Rows of the table from the quantity on."""
    if fits[0].model.prior.log_coefficients() is not None:
        c = np.array([fit.model.prior.log_coefficients() for fit in fits], np.float64)
        c += np.array([fit.jackknife.unpulled for fit in fits])
        error = np.array([jackknife_error(fit.jackknife.coefficients) for fit in fits])
        score = (c - COEFFICIENTS) / error
        covered = np.abs(score) < HALF
        yield from summary("coefficient", COEFFICIENTS, c, error, score, covered, covered)
    intervals = np.array([enrichment_interval(fit.shares) for fit in fits])
    e, e_error, share, share_error = (
        np.array([getattr(fit.shares, name) for fit in fits])
        for name in ("value", "error", "share", "share_error")
    )
    covered = (intervals[:, 0] < design.truth) & (design.truth < intervals[:, 1])
    symmetric = np.abs(e - design.truth) < HALF * e_error
    true_share = design.truth * design.sets.mean(axis=0)
    score = (logit(share) - logit(true_share)) * share * (1 - share) / share_error
    for name, part in (
        ("enrichment", slice(None, BINARY)),
        ("enrichment of top fifth", slice(BINARY, None)),
    ):
        columns = (e, e_error, score, covered, symmetric)
        yield from summary(
            name, design.truth[part], *(a[:, part] for a in columns), first=part.start or 0
        )


def summary(quantity, truth, estimate, error, score, covered, symmetric, first: int = 0):
    for i in range(len(truth)):
        yield (
            quantity,
            first + i + 1,
            f"{truth[i]:.3f}",
            f"{(estimate[:, i] - truth[i]).mean():+.3f}",
            f"{estimate[:, i].std(ddof=1):.3f}",
            f"{error[:, i].mean():.3f}",
            *shares(score[:, i], covered[:, i], symmetric[:, i]),
        )
    yield (quantity, "all", "", "", "", "", *shares(score, covered, symmetric))


def shares(score, covered, symmetric):
    p = covered.mean()
    # Annotations of one study are not independent: the error is that of the studies' own means.
    each = covered.reshape(len(covered), -1).mean(axis=1)
    error = each.std(ddof=1) / np.sqrt(len(each))
    return f"{score.std():.2f}", f"{p:.3f}", f"{error:.3f}", f"{symmetric.mean():.3f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--blocks", type=int, nargs="+", default=[20, 60])
    parser.add_argument("--variants", type=int, default=80)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--scenarios", nargs="+", choices=SCENARIOS, default=LINEAR)
    parser.add_argument("-o", "--output", type=argparse.FileType("w"), default=sys.stdout)
    options = parser.parse_args()
    table = csv.writer(options.output, delimiter="\t", lineterminator="\n")
    table.writerow(COLUMNS)
    for blocks in options.blocks:
        panel = make_panel(blocks, options.variants, options.people, seed=3)
        for name in options.scenarios:
            began = time.monotonic()
            for row in rows(*run(panel, options.studies, **SCENARIOS[name])):
                table.writerow((blocks, name, options.studies, *row))
            options.output.flush()
            print(f"{blocks} {name}: {time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
