"""The Train page: fit a prior and watch it learn."""

import itertools
from collections.abc import Generator
from typing import Any

import numpy as np
import pandas as pd
import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.cards.held_out import HeldOut
from deepwas_app.app.cards.run_actions import RunActions
from deepwas_app.app.cards.training import TrainingCard, training_in_turn
from deepwas_app.app.components import caution, cells, empty, fold, plot, section
from deepwas_app.app.jobs import JOBS, Job
from deepwas_app.app.markup import text
from deepwas_app.app.pages import PAGES
from deepwas_app.app.pages.base import Page
from deepwas_app.app.pages.runs import doubts
from deepwas_app.app.result_tables import page_frame, page_table, table_download
from deepwas_app.app.settings_form import by_label, copy_of, widget, widgets
from deepwas_app.core.objectives import OBJECTIVES
from deepwas_app.core.priors import PRIORS
from deepwas_app.counting import counted
from deepwas_app.errors import InputError
from deepwas_app.plots import train as pictures
from deepwas_app.workflow.progress import relay
from deepwas_app.workflow.results.evaluation import RUNS, evaluate, per_variant
from deepwas_app.workflow.runs.doubted import run_warnings
from deepwas_app.workflow.runs.memory import device_text, memory_plan
from deepwas_app.workflow.runs.models import knobs, study_parameters
from deepwas_app.workflow.runs.split import Split, usable_blocks
from deepwas_app.workflow.runs.summary import EVALUATION
from deepwas_app.workflow.settings import TrainSettings, plain

# Settings of the model and its training, in pairs after the first; for few priors; for all.
MODEL = (
    "size", "width", "depth", "learning_rate", "epochs", "batch_blocks", "seed",
)  # fmt: skip
RARE = ("link", "coefficient_sd", "tower", "precision", "rematerialise")
COMMON = ("alpha", "validation_chromosomes", "folds")


def light_steps(steps: Generator[Any, None, Any]) -> Generator[Any, None, Any]:
    """The steps of a training without their checkpoints, which pages do not need."""
    return (yield from relay(steps, lambda step: step.light()))


def runs_table(runs: list[Any]) -> pd.DataFrame:
    """One row per run; numbers are missing for runs that are not finished."""
    rows = [
        (run.summary or {})
        | {
            "run": store.run_name(run),
            "prior": run.prior_type.label,
            "status": "finished" if run.finished else "unfinished",
        }
        for run in runs
    ]
    words, numbers = ["run", "prior", "status"], ["parameters", "gain", "gain_se", "variants"]
    numbers += ["h2", "h2_se", "s2", "alpha", "alpha_se"]
    table = pd.DataFrame(rows, columns=[*words, *numbers])
    # Numbers also where there is no run yet: the widget's formats are chosen then.
    return page_frame(RUNS, per_variant(table.astype(dict.fromkeys(numbers, float))))


@PAGES.add
class TrainPage(Page):
    """Settings, a live view of the training, and the table of runs.

    Examples
    --------
    >>> TrainPage("height_chr22")  # in a notebook cell
    """

    address, icon, order = "train", "model_training", 20
    jobs = ("train",)
    heading = "Train"
    intro = "Fit how per-variant heritability depends on annotations; judge it on held-out blocks."

    def __init__(self, *args: Any, **params: Any) -> None:
        self.settings = TrainSettings(prior="mlp")
        self.training = TrainingCard(on_over=self._over)
        self.progress = self.training.progress
        self.runs = page_table(
            RUNS,
            runs_table([]),
            wrapped=["run"],
            selectable="checkbox",
            widths={
                "run": 150,
                "gain_per_variant": 126,
                "gain_per_variant_se": 126,
                "status": 96,
            },
        )
        self._filling = False
        super().__init__(*args, **params)
        self.runs.param.watch(self._picked, "selection")

    def build(self, study: xr.Dataset) -> list[Any]:
        """The form, the live curves and the table of runs."""
        # Anew, so that no widget or watcher of another study is told of changes any more.
        self.settings = copy_of(self.settings, validation_chromosomes="")
        self.held_out = HeldOut(study)
        self.compare = pmui.Column(sizing_mode="stretch_width")
        self.stopped = pmui.Column(sizing_mode="stretch_width")
        self.doubts = pmui.Column(sizing_mode="stretch_width")
        self.actions = RunActions(self.state, self.duplicate)
        self.file = table_download(
            "Download TSV (nats)",
            "runs.tsv",
            EVALUATION,
            lambda: evaluate([run for run in self.state.runs if run.finished]),
        )
        self._table_card = section(
            "Runs",
            self.file,
            self.runs,
            self.doubts,
            self.compare,
            self.actions,
            note="Tick runs to compare them here and on the Annotations and Locus pages.",
        )
        self.training.watch(training_in_turn(study))
        self._fill_table()
        return [
            cells(
                (section("Settings", *self._form(study)), 4),
                (section("Training", self.stopped, self.training), 8),
            ),
            self._table_card,
        ]

    def tick(self) -> None:
        """Stream what the job has yielded since the last tick."""
        self.training.refresh()

    def start(self) -> None:
        """Submit a training job with the settings of the form."""
        study = self.state.study
        try:
            self.held_out.write(self.settings)
        except InputError as problem:
            self.state.say(str(problem), "warning")
            return
        settings = copy_of(self.settings)
        path = self._new_path(study)

        def steps() -> Generator[Any, None, Any]:
            from deepwas_app.workflow.runs.train import train

            return light_steps(train.steps(study, settings, path))

        self._submit(study, path, steps)

    def duplicate(self, run: Any) -> None:
        """Put the settings of a run into the form, to be changed and trained anew."""
        known = plain(self.settings)
        self.settings.param.update(
            {name: value for name, value in plain(run.settings).items() if name in known}
        )
        self.held_out.choose(run.settings)
        self.state.say(
            f"The form has the settings of {store.run_name(run)}. Change some, then press Start.",
            "info",
        )

    def go_on(self) -> None:
        """Resume the ticked runs that are not finished."""
        chosen = [run for run in self.state.runs if store.run_name(run) in self._ticked()]
        unfinished = [run for run in chosen if not run.finished]
        if not unfinished:
            self.state.say("Tick an unfinished run in the table first.", "info")
        self._resume(unfinished)

    def _resume(self, unfinished: list[Any]) -> None:
        study = self.state.study
        for run in unfinished:

            def steps(run: Any = run) -> Generator[Any, None, Any]:
                from deepwas_app.workflow.runs.train import train

                return light_steps(train.steps(study, run.settings, run.path, resume=True))

            self._submit(study, run.path, steps)
        self._offer()

    def _offer(self) -> None:
        """Offer to go on with what was stopped: by a person, or with the server."""
        trained = {job.output for job in JOBS.active()}
        self.stopped.objects = []
        stopped = [r for r in self.state.runs if not r.finished and r.path not in trained]
        for run in stopped[-1:]:
            name = store.run_name(run)
            button = pmui.Button(
                label=f"Go on with {name}", icon="restart_alt", variant="outlined", size="small"
            )
            button.on_click(lambda _: self._resume(stopped[-1:]))
            line = f"{text(name)} was stopped before its end; its last checkpoint is kept."
            self.stopped.objects = [pmui.Alert(object=line, severity="info"), button]

    def _submit(self, study: xr.Dataset, path: Any, steps: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        name = path.name.removesuffix(".run")
        job = Job(f"Train {name}", steps, kind="train", study=store.study_hash(study), output=path)
        JOBS.submit(job)
        if self.progress.busy:
            self.state.say(f"{job.title} waits for its turn.", "info")
        else:
            self.training.watch(training_in_turn(study))

    def _form(self, study: xr.Dataset) -> list[Any]:
        self.fields = fields = {
            "prior": widget(self.settings, "prior", options=by_label(PRIORS)),
            "objective": widget(self.settings, "objective", options=by_label(OBJECTIVES)),
        } | widgets(self.settings, (*MODEL, *RARE, *COMMON))
        pairs = [[fields[n] for n in pair] for pair in zip(MODEL[1::2], MODEL[2::2], strict=True)]
        rows = [pmui.Row(*pair, sizing_mode="stretch_width") for pair in pairs]
        self.too_large = pmui.Column(sizing_mode="stretch_width")
        self.planned = pmui.Typography(
            "", variant="body2", sx={"color": "text.secondary"}, margin=(4, 0)
        )

        def changed(*_: Any) -> None:
            taken = knobs(self.settings.prior)
            for name in (*MODEL, *RARE):
                fields[name].visible = name in taken
            for row, pair in zip(rows, pairs, strict=True):
                row.visible = any(field.visible for field in pair)
            fields["width"].disabled = fields["depth"].disabled = bool(self.settings.size)
            sizes = PRIORS[self.settings.prior].sizes
            if sizes:
                fields["size"].options = {
                    name or label: name
                    for label, name in named.items()
                    if not name or name in sizes
                }
                if self.settings.size not in ("", *sizes):
                    # Changes it once more.
                    self.settings.size = ""
                    return
            number = study_parameters(study, self.settings)
            said = (
                f"{counted(number, 'parameter')} over "
                f"{counted(study.sizes['annotations'], 'annotation')}"
            )
            plan = memory_plan(study, self.settings, whole)
            self.planned.object = text(
                f"{said}{f', {plan.text}' if plan else ''}. On {device_text(study, self.settings)}."
            )
            self.too_large.objects = []
            if plan and plan.needed > plan.free:
                self.too_large.objects = [
                    caution("This will not fit: choose a smaller size or fewer blocks per batch.")
                ]

        named = dict(fields["size"].options)
        # What is held out may be chosen, and mistyped, later.
        whole = Split(usable_blocks(study), np.zeros(0, int))
        for name in ("width", "learning_rate", "batch_blocks"):
            fields[name].margin = (6, 8, 6, 0)
        self.settings.param.watch(
            changed, ["prior", "size", "width", "depth", "batch_blocks", *RARE]
        )
        changed()

        def divided(*_: Any) -> None:
            chosen = self.settings
            self.held_out.follow(chosen.folds, chosen.validation_chromosomes)

        self.settings.param.watch(divided, ["folds", "validation_chromosomes"])
        divided()
        self.button = pmui.Button(
            label="Start", icon="play_arrow", color="primary", margin=(10, 8, 0, 0)
        )
        self.button.on_click(lambda _: self.start())
        self.resume_button = pmui.Button(
            label="Go on with ticked run",
            icon="restart_alt",
            variant="outlined",
            margin=(10, 0, 0, 0),
        )
        self.resume_button.on_click(lambda _: self.go_on())
        return [
            fields["prior"],
            fields["objective"],
            fields["size"],
            *rows,
            self.held_out,
            fold("More", *(fields[n] for n in (*RARE, *COMMON))),
            self.planned,
            self.too_large,
            pmui.FlexBox(self.button, self.resume_button),
        ]

    def _new_path(self, study: xr.Dataset) -> Any:
        folder = store.runs_folder(study)
        kind = self.settings.prior
        if PRIORS[kind].sizes:
            kind += f"-{self.settings.size or f'{self.settings.width}x{self.settings.depth}'}"
        if self.settings.objective != self.settings.param["objective"].default:
            kind += f"-{self.settings.objective}"
        taken = {job.output for job in JOBS.active()}
        paths = (folder / f"{kind}-{number}.run" for number in itertools.count(1))
        return next(path for path in paths if not path.exists() and path not in taken)

    def _over(self, job: Job) -> None:
        following = training_in_turn(self.state.study)
        if following is not job:
            self.training.watch(following)

    def _ticked(self) -> list[str]:
        names = self.runs.value["run"].tolist()
        return [names[i] for i in self.runs.selection if i < len(names)]

    def _picked(self, _: Any) -> None:
        if not self._filling:
            self.state.selected = self._ticked()

    def follow_runs(self) -> None:
        """Bring the table of runs up to date."""
        self._fill_table()

    def _fill_table(self) -> None:
        # The newest on top: a sweep may leave many.
        table = runs_table(self.state.runs[::-1])
        self._filling = True
        try:
            self.runs.value = table
            learned = table["alpha_se"].notna().any()
            self.runs.hidden_columns = [] if learned else ["alpha_se"]
            self.runs.selection = [
                i for i, name in enumerate(table["run"]) if name in self.state.selected
            ]
        finally:
            self._filling = False
        self._offer()
        self.actions.follow()
        self.runs.visible = len(table) > 0
        self.file.visible = any(run.finished for run in self.state.runs)
        selected = {store.run_name(run): run for run in self.state.selected_runs()}
        self.doubts.objects = [
            alert for name, run in selected.items() for alert in doubts(name, run_warnings(run))
        ]
        chosen = {name: run.metrics() for name, run in selected.items()}
        if not len(table):
            self.compare.objects = [empty("No run yet. Start one above.")]
        elif not chosen:
            self.compare.objects = []
        else:
            self.compare.objects = [plot(pictures.held_out_gain(chosen))]
