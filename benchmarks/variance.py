"""How much of the variance of each LD block must be kept? Held-out gain against it.

    python benchmarks/variance.py [--size L] [--seeds 2] [-o benchmarks/variance.tsv]

The built-in simulated study, whitened five times: the same z-scores, fewer or more components.
``gain`` is judged by the components that a study has kept; ``gain_all`` by all of them for every
prior alike, with the noise that was learned on all of them, since kappa / lambda is nothing that
few components could tell. Nats over the constant prior, mean over seeds, with block-jackknife
errors. ``lost`` compares ``gain_all`` with that of the prior that was trained on all components,
with the error of the paired difference.
"""

import argparse
import tempfile
from pathlib import Path

import equinox as eqx
import numpy as np
import pandas as pd
from conftest import machine

from deepwas_app.core.held_out import losses_by_block
from deepwas_app.core.jackknife import jackknife_sum
from deepwas_app.genetics.store import open_study_store
from deepwas_app.workflow.runs.batches import block_batches
from deepwas_app.workflow.runs.train import train
from deepwas_app.workflow.settings import SimulateSettings, TrainSettings
from deepwas_app.workflow.studies.builtin import SIMULATED
from deepwas_app.workflow.studies.simulate import simulate

VARIANCES = (1.0, 0.999, 0.995, 0.99, 0.98)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="L")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--variants", type=int, default=SimulateSettings.param["variants"].default)
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    rows: list[dict] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reference = None
        for variance in VARIANCES:
            path = str(folder / f"{variance}.study.zarr")
            knobs = {"variance": variance, "variants": given.variants, "output": path}
            settings = SimulateSettings(**SIMULATED, **knobs)
            study = open_study_store(simulate(settings))
            runs = [
                train(
                    study,
                    TrainSettings(
                        prior="mlp",
                        size=given.size,
                        seed=seed,
                        epochs=given.epochs,
                        patience=given.epochs,
                        validation_chromosomes="auto",
                    ),
                    folder / f"{variance}-{seed}.run",
                )
                for seed in range(given.seeds)
            ]
            tables = [run.blocks() for run in runs]
            own = jackknife_sum(np.mean([t["constant_loss"] - t["loss"] for t in tables], axis=0))
            models = [run.model() for run in runs]
            if reference is None:
                noise = [(model.log_s2, model.log_kappa) for model in models]
                held = runs[0].test_blocks
                batches = block_batches(study, held, batch_blocks=4)
                blocks, constant = study.sizes["blocks"], tables[0]["constant_loss"].to_numpy()
            judged = [
                eqx.tree_at(lambda m: (m.log_s2, m.log_kappa), model, learned)
                for model, learned in zip(models, noise, strict=True)
            ]
            gains = constant - np.mean(
                [losses_by_block(model, batches, blocks)[held] for model in judged], axis=0
            )
            reference = gains if reference is None else reference
            lost = jackknife_sum(reference - gains)
            rows.append(
                {
                    "variance": variance,
                    "components": float(study["block_components"].values.mean()),
                    "gain": own.value,
                    "gain_se": own.error,
                    "gain_all": gains.sum(),
                    "gain_all_se": jackknife_sum(gains).error,
                    "lost": lost.value / reference.sum(),
                    "lost_se": lost.error / reference.sum(),
                }
            )
            print(rows[-1], flush=True)
    if given.output:
        table = pd.DataFrame(rows).assign(size=given.size, machine=machine())
        table.to_csv(given.output, sep="\t", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
