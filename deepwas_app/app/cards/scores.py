"""The form that scores genotypes with the weights of a run."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.cards.base import JobCard
from deepwas_app.app.components import cells
from deepwas_app.app.jobs import FILES, JOBS, Job, Status
from deepwas_app.app.result_tables import page_table, table_download
from deepwas_app.app.state import AppState

KIND = "score"
SHOWN = 1000


class ScoreForm(JobCard):
    """Scores PLINK genotypes as a job, and shows the scores.

    Parameters
    ----------
    state
        Whose study the weights are of.
    run
        Gives the run that is chosen now.
    genotypes
        Prefix to begin with.
    """

    def __init__(self, state: AppState, run: Callable[[], Any], genotypes: str = "") -> None:
        super().__init__(state)
        self._run = run
        shared: dict[str, Any] = {
            "size": "small",
            "sizing_mode": "stretch_width",
            "margin": (6, 0),
        }
        self.genotypes = pmui.TextInput(
            label="Genotypes: prefix on the server",
            value=genotypes,
            placeholder="/data/people, without .bed, .bim, .fam",
            **shared,
        )
        self.phenotype = pmui.TextInput(
            label="Phenotype file (optional)",
            placeholder="/data/height.tsv: FID, IID, phenotype",
            **shared,
        )
        self.column = pmui.TextInput(label="Its column", placeholder="the first", **shared)
        self.zero = pmui.Select(
            label="0 beside 1 and 2",
            options={"ask": "", "missing, as in PLINK": "missing", "a value": "value"},
            value="",
            **shared,
        )
        self.covariates = pmui.TextInput(
            label="Covariates (optional): R² is what the score adds to them",
            placeholder="/data/pcs.tsv: FID, IID, PC1, ...",
            **shared,
        )
        self.skip = pmui.Switch(
            label="Leave out people of the phenotype file without genotypes", margin=(6, 0)
        )
        self.button = pmui.Button(
            label="Score", icon="play_arrow", color="primary", margin=(6, 0, 10, 0)
        )
        self.button.on_click(lambda _: self.start())
        self.results = pmui.Column(sizing_mode="stretch_width")
        self._layout = pmui.Column(
            cells((self.genotypes, 6), (self.phenotype, 4), (self.column, 2)),
            cells((self.covariates, 6), (self.zero, 3)),
            self.skip,
            self.button,
            self.progress,
            self.results,
            sizing_mode="stretch_width",
        )
        job = JOBS.latest(KIND, store.study_hash(state.study))
        self.progress.watch(job)
        if job is not None and job.status is Status.DONE:
            self._show(job)

    def start(self) -> None:
        """Submit the scoring."""
        prefix = self.genotypes.value.strip()
        if not prefix:
            self.state.say("Genotypes: no path. Give the prefix of PLINK files.", "error")
            return
        study, run = self.state.study, self._run()
        knobs = {
            "pheno_name": self.column.value.strip(),
            "zero": self.zero.value,
            "covariates": self.covariates.value.strip(),
            "skip_unknown": self.skip.value,
        }
        phenotype = self.phenotype.value.strip()
        job = Job(
            f"Score {Path(prefix).name} with {store.run_name(run)}",
            lambda: steps(study, run, prefix, phenotype, knobs),
            kind=KIND,
            study=store.study_hash(study),
            lane=FILES,
        )
        self.results.objects = []
        self.submit(job)

    def over(self, job: Job) -> None:
        """Show the scores."""
        if job.status is Status.DONE:
            self._show(job)

    def _show(self, job: Job) -> None:
        from deepwas_app.workflow.results.score import SCORES, accuracy_line, report_line

        scored = job.result
        lines = [f"{len(scored.table):,} people. Weights: {report_line(scored)}."]
        lines += scored.notes
        if scored.accuracy is not None:
            lines.insert(0, f"**{accuracy_line(scored.accuracy)}**")
        table = scored.table.head(SHOWN)
        if len(scored.table) > SHOWN:
            lines.append(f"The first {SHOWN:,} are shown; the file has all.")
        self.results.objects = [
            *(pmui.Typography(line, margin=(2, 0)) for line in lines),
            table_download("Download TSV", "scores.tsv", SCORES, scored.table),
            page_table(SCORES.with_further(table), table, page_size=10),
        ]


def steps(
    study: xr.Dataset, run: Any, bfile: str, pheno: str, knobs: dict[str, Any]
) -> Generator[Any, None, Any]:
    """Score genotypes with the weights of a run, as a job."""
    from deepwas_app.workflow.progress import Progress
    from deepwas_app.workflow.results.exported.weights import run_weights
    from deepwas_app.workflow.results.score import score_people

    yield Progress(0.0, "posterior effects")
    weights = run_weights(study, run)
    return (yield from score_people.steps(weights, bfile, pheno or None, **knobs))
