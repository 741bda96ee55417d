"""The form that scores genotypes with the weights of a run."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.cards.base import JobCard
from deepwas_app.app.components import cells, plot
from deepwas_app.app.jobs import FILES, JOBS, Job, Status
from deepwas_app.app.markup import text
from deepwas_app.app.result_tables import page_table, table_download
from deepwas_app.app.state import AppState
from deepwas_app.counting import counted
from deepwas_app.errors import InputError
from deepwas_app.plots.scores import score_deciles, score_density
from deepwas_app.workflow.settings.base import SettingError, expected
from deepwas_app.workflow.settings.results import ScoreKnobs

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
            label="Covariates (optional): all that is said of the score is beyond them",
            placeholder="/data/pcs.tsv: FID, IID, PC1, ...",
            **shared,
        )
        self.prevalence = pmui.TextInput(
            label="Prevalence (of cases, optional)", placeholder="0.01", **shared
        )
        self.others = pmui.TextInput(
            label="Other weights to compare with (optional)",
            placeholder="/data/PGS000297.txt.gz; globs and {CHR} are one score",
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
            cells((self.covariates, 6), (self.prevalence, 3), (self.zero, 3)),
            cells((self.others, 6)),
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
        prevalence = self.prevalence.value.strip()
        boxes = (self.phenotype, self.covariates, self.others)
        try:
            admit = self.state.places.admit
            admitted = admit(prefix)
            phenotype, covariates, others = (admit(box.value.strip()) for box in boxes)
        except InputError as problem:
            self.state.say(str(problem), "error")
            return
        try:
            knobs = ScoreKnobs(
                pheno_name=self.column.value.strip(),
                zero=self.zero.value,
                covariates=covariates,
                prevalence=float(prevalence) if prevalence else None,
                skip_unknown=self.skip.value,
            )
        except (SettingError, ValueError):
            share = expected(ScoreKnobs.param.prevalence)
            self.state.say(f"Prevalence {prevalence}: give {share}.", "error")
            return
        job = Job(
            f"Score {Path(prefix).name} with {store.run_name(run)}",
            lambda: steps(study, run, admitted, phenotype, knobs, others),
            kind=KIND,
            study=store.study_hash(study),
            lane=FILES,
            after=self.state.uploads.release,
        )
        self.state.uploads.hold()
        self.results.objects = []
        self.submit(job)

    def over(self, job: Job) -> None:
        """Show the scores."""
        if job.status is Status.DONE:
            self._show(job)

    def _show(self, job: Job) -> None:
        from deepwas_app.workflow.results.accuracy import accuracy_lines
        from deepwas_app.workflow.results.score import SCORES, report_lines

        scored = job.result
        people = len(scored.table) // len(scored.weights)
        first, *others = report_lines(scored)
        lines = [f"{counted(people, 'person')}. Weights: {text(first)}.", *map(text, others)]
        judged: list[Any] = []
        if scored.judged is not None:
            lines = [f"**{text(line)}**" for line in accuracy_lines(scored.judged)] + lines
            judged = _pictures(scored) + _tables(scored.judged)
        table = scored.table.head(SHOWN)
        rest = []
        if len(scored.table) > SHOWN:
            rest = [pmui.Typography(f"The first {SHOWN:,} rows; the file has all.", margin=(2, 0))]
        self.results.objects = [
            *(pmui.Typography(line, margin=(2, 0)) for line in lines),
            *judged,
            *rest,
            table_download("Download TSV", "scores.tsv", SCORES, scored.table),
            page_table(SCORES.with_further(table), table, page_size=10),
        ]


def _pictures(scored: Any) -> list[Any]:
    """Density of the first score by status, and the phenotype by deciles."""
    from deepwas_app.workflow.results.score import SCORES

    judged, drawn = scored.judged, []
    if judged.status is not None:
        values = scored.table["SCORE_SUM"].to_numpy()[: len(judged.status)]
        drawn.append(plot(score_density(values, judged.status)))
    if len(judged.deciles):
        (name,) = [name for name in scored.table if name not in SCORES.names]
        drawn.append(plot(score_deciles(judged.deciles, name)))
    return [cells(*((one, 12 // len(drawn)) for one in drawn))] if drawn else []


def _tables(judged: Any) -> list[Any]:
    """What the scores predict, as files, and the first of them to read."""
    from deepwas_app.workflow.results.accuracy import ACCURACY, DECILES, DIFFERENCES

    files = [
        ("Accuracy", "accuracy.tsv", ACCURACY, judged.measures),
        ("Differences", "differences.tsv", DIFFERENCES, judged.differences),
        ("Deciles", "deciles.tsv", DECILES, judged.deciles),
    ]
    buttons = [table_download(*one) for one in files if len(one[-1])]
    for button in buttons:
        button.margin = (8, 8, 10, 0)
    return [
        page_table(ACCURACY, judged.measures),
        *([page_table(DIFFERENCES, judged.differences)] if len(judged.differences) else []),
        pmui.Row(*buttons),
    ]


def steps(
    study: xr.Dataset, run: Any, bfile: str, pheno: str, knobs: ScoreKnobs, others: str = ""
) -> Generator[Any, None, Any]:
    """Score genotypes with the weights of a run, and with others, as a job."""
    from deepwas_app.workflow.progress import Progress
    from deepwas_app.workflow.results.exported.weights import run_weights
    from deepwas_app.workflow.results.score import score_people

    yield Progress(0.0, "posterior effects")
    weights = [run_weights(study, run), *([others] if others else [])]
    return (yield from score_people.steps(weights, bfile, pheno or None, settings=knobs))
