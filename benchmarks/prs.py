"""Does a better prior make a better polygenic score? R^2 in simulation, by prior.

    python benchmarks/prs.py [--variants 100000] [--epochs 30] [-o benchmarks/prs.md]

A study with interactions in its truth is simulated; constant, linear and neural priors are
trained on it; posterior mean effects are scored against the true ones in new people of the same
LD: with R = Q Q^T, cov(score, genetic value) = m^T R b, so no genotypes need be drawn.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.genetics.store import open_study_store, read_block
from deepwas_app.workflow.results.posterior import posterior
from deepwas_app.workflow.runs.batches import block_slice
from deepwas_app.workflow.runs.train import train
from deepwas_app.workflow.settings import SimulateSettings, TrainSettings
from deepwas_app.workflow.studies.simulate import simulate

PRIORS = ("constant", "linear", "mlp")


def moments(study, mean: np.ndarray) -> np.ndarray:
    """Covariance with the genetic value, variance of the score, variance of the genetic value.

    (blocks, 3), in units of z.
    """
    truth = study["variant_true_effect"].values.astype(np.float64)
    out = []
    for b in range(study.sizes["blocks"]):
        rows = block_slice(study, b)
        Q = read_block(study, b)["Q"].values.astype(np.float64)
        score, genetic = Q.T @ mean[rows], Q.T @ truth[rows]
        out.append([score @ genetic, score @ score, genetic @ genetic])
    return np.array(out)


def r2(parts: np.ndarray, h2: float) -> np.ndarray:
    """R^2 with the phenotype from summed moments, (..., 3)."""
    return h2 * parts[..., 0] ** 2 / (parts[..., 1] * parts[..., 2])


def deleted(parts: np.ndarray, h2: float) -> np.ndarray:
    """R^2 with each block left out in turn."""
    return r2(parts.sum(axis=0) - parts, h2)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--variants", type=int, default=100_000)
    parser.add_argument("--n", type=float, default=500_000)
    parser.add_argument("--h2", type=float, default=0.3)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", default="-")
    options = parser.parse_args()
    lines = ["| prior | R^2 | s.e. | over the one above | s.e. |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        settings = SimulateSettings(
            variants=options.variants,
            n=options.n,
            h2=options.h2,
            seed=options.seed,
            output=f"{folder}/prs.study.zarr",
        )
        study = open_study_store(simulate(settings))
        before = None
        for prior in PRIORS:
            knobs = TrainSettings(prior=prior, epochs=options.epochs, test_chromosomes="none")
            run = train(study, knobs, Path(folder) / f"{prior}.run")
            mean = posterior(study, run)["variant_posterior_mean"].values.astype(np.float64)
            parts = moments(study, mean)
            value, without = r2(parts.sum(axis=0), options.h2), deleted(parts, options.h2)
            more = "| |"
            if before is not None:
                gain, error = value - before[0], jackknife_error(without - before[1])
                more = f"{gain:+.5f} | {error:.5f} |"
            before = (value, without)
            lines.append(f"| {prior} | {value:.5f} | {jackknife_error(without):.5f} | {more}")
            print(lines[-1], flush=True)
    if options.output != "-":
        Path(options.output).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
