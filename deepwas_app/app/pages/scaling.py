"""The Scaling page: held-out likelihood against model size."""

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui
import xarray as xr

from deepwas_app import plot as pictures
from deepwas_app.app import store
from deepwas_app.app.cards.held_out import HeldOut
from deepwas_app.app.components import cells, empty, opens, plot, section
from deepwas_app.app.job_view import JobView, job_in_turn
from deepwas_app.app.jobs import JOBS, Job, Status
from deepwas_app.app.markup import text
from deepwas_app.app.pages import PAGES
from deepwas_app.app.pages.base import Page
from deepwas_app.app.result_tables import page_table, table_download
from deepwas_app.app.settings_form import by_label, copy_of, widget
from deepwas_app.core.objectives import OBJECTIVES
from deepwas_app.core.priors import PRIORS
from deepwas_app.errors import InputError
from deepwas_app.workflow.results.evaluation import in_millinats
from deepwas_app.workflow.runs.models import study_parameters
from deepwas_app.workflow.settings import ScalingSettings, TrainSettings, plain
from deepwas_app.workflow.tables import Table

if TYPE_CHECKING:
    from deepwas_app.workflow.runs.sweep import Sweep

# Beside those that have a name.
SIZES = ("8x1", "64x2", "256x3")


@PAGES.add
class ScalingPage(Page):
    """A sweep over model sizes and seeds, drawn as it comes.

    Examples
    --------
    >>> ScalingPage("height_chr22")  # in a notebook cell
    """

    address, icon, order = "scaling", "trending_up", 60
    jobs = ("scaling",)
    heading = "Scaling"
    intro = "Do larger models predict held-out variants better? Fit several sizes and see."

    def __init__(self, *args: Any, **params: Any) -> None:
        self.settings = ScalingSettings()
        self.progress = JobView(on_over=self._over)
        self._shown = -1
        super().__init__(*args, **params)

    def build(self, study: xr.Dataset) -> list[Any]:
        """The form, the curve and the table."""
        # Anew, so that no widget of another study is told of changes any more.
        self.settings = copy_of(self.settings)
        self.held_out = HeldOut(study)
        self.sizes = pmui.MultiChoice(
            label="Sizes",
            description="A prior without sizes, XS to XL, or WIDTH x DEPTH of a network, with the "
            "number of parameters.",
            visual_size="small",
            sizing_mode="stretch_width",
            margin=(6, 0),
        )
        networks = {name: kind for name, kind in PRIORS.items() if kind.sizes}
        self.prior = widget(self.settings, "prior", label="Network", options=by_label(networks))
        self.prior.param.watch(lambda _: self._offer(study), "value")
        self.sizes.value = list(self.settings.sizes)
        self._offer(study)
        self.objectives = pmui.MultiChoice(
            label="Objectives",
            options=by_label(OBJECTIVES),
            value=list(self.settings.objectives),
            description="What training maximises. All are judged by the same full likelihood.",
            visual_size="small",
            sizing_mode="stretch_width",
            margin=(6, 0),
        )
        self.fields = {n: widget(self.settings, n) for n in ("seeds", "epochs", "learning_rate")}
        self.sweep = pmui.Select(
            label="Sweep",
            description="A sweep that is there already can be looked at, and extended by sizes, "
            "objectives and seeds.",
            options=self._sweeps(study),
            value="",
            size="small",
            sizing_mode="stretch_width",
            margin=(6, 0),
        )
        self.sweep.param.watch(lambda event: self._chose(event.new), "value")
        self.button = pmui.Button(
            label="Start sweep", icon="play_arrow", color="primary", margin=(10, 0, 0, 0)
        )
        self.button.on_click(lambda _: self.start())
        self.results = pmui.Column(sizing_mode="stretch_width")
        self._attach_next()
        return [
            cells(
                (
                    section(
                        "Sweep",
                        self.sweep,
                        self.prior,
                        self.sizes,
                        self.objectives,
                        *self.fields.values(),
                        self.held_out,
                        self.button,
                    ),
                    4,
                ),
                (
                    section(
                        "Held-out gain over the constant prior",
                        self.progress,
                        self.results,
                        note="Mean over seeds with 95% intervals; small points are single fits. "
                        "Click one to see its run.",
                    ),
                    8,
                ),
            )
        ]

    def _offer(self, study: xr.Dataset) -> None:
        """The sizes with their numbers of parameters, which depend on the kind of network."""
        from deepwas_app.workflow.runs.sweep import sized_settings

        chosen = list(self.sizes.value or [])
        offered = {}
        single = [n for n, kind in PRIORS.items() if not kind.sizes and not kind.constant]
        named = PRIORS[self.prior.value].sizes
        for size in dict.fromkeys([*single, *named, *SIZES, *chosen]):
            settings = TrainSettings(**sized_settings(size, self.prior.value))
            label = PRIORS[size].label if size in PRIORS else size
            offered[f"{label} · {study_parameters(study, settings):,}"] = size
        self.sizes.param.update(options=offered, value=chosen)

    def start(self) -> None:
        """Submit the sweep."""
        study = self.state.study
        if not self.sizes.value or not self.objectives.value:
            self.state.say("Choose at least one size and one objective.", "warning")
            return
        self.settings.sizes = list(self.sizes.value)
        self.settings.objectives = list(self.objectives.value)
        try:
            self.held_out.write(self.settings)
        except InputError as problem:
            self.state.say(str(problem), "warning")
            return
        path = Path(self.sweep.value) if self.sweep.value else self._new_path(study)
        self._submit(study, copy_of(self.settings), path)
        self._offer_sweeps(study)

    def _new_path(self, study: xr.Dataset) -> Path:
        folder = store.sweeps_folder(study)
        number = 1
        while (folder / f"sweep-{number}").exists():
            number += 1
        path = folder / f"sweep-{number}"
        # At once: another sweep may be started while this one waits for its turn.
        path.mkdir(parents=True)
        return path

    def _submit(self, study: xr.Dataset, settings: ScalingSettings, path: Path) -> None:
        def sweep() -> Generator[Any, None, Any]:
            from deepwas_app.workflow.runs.sweep import scaling

            return scaling.steps(study, settings, path)

        title = path.name.capitalize().replace("-", " ")
        job = Job(title, sweep, kind="scaling", study=store.study_hash(study), output=path)
        JOBS.submit(job)
        if self.progress.busy:
            self.state.say(f"{job.title} waits for its turn.", "info")
        else:
            self._attach_next()

    def _sweeps(self, study: xr.Dataset) -> dict[str, str]:
        """The sweeps of a study that are there, and a new one."""
        found = sorted(store.sweeps_folder(study).glob("*/"))
        return {"A new one": ""} | {path.name: str(path) for path in found}

    def _offer_sweeps(self, study: xr.Dataset) -> None:
        options = self._sweeps(study)
        if options != self.sweep.options:
            self.sweep.options = options

    def _chose(self, folder: str) -> None:
        """Show a sweep that is there, with its settings; those that its fits share stay."""
        # Late: it brings JAX.
        from deepwas_app.workflow.runs.sweep import swept_settings

        study = self.state.study
        if folder:
            try:
                found = swept_settings(Path(folder))
            except InputError as problem:
                self.state.say(str(problem), "warning")
                folder = ""
                self.sweep.value = ""
        if folder:
            self.settings.param.update(plain(found))
            self.sizes.value, self.objectives.value = list(found.sizes), list(found.objectives)
            self._offer(study)
            self.held_out.choose(found)
            going = [job for job in JOBS.active() if job.output == Path(folder)]
            if not going:
                # Finished fits are read; one that was stopped goes on.
                self._submit(study, found, Path(folder))
        for field in (self.prior, self.fields["epochs"], self.fields["learning_rate"]):
            field.disabled = bool(folder)
        self.held_out.mode.disabled = bool(folder)
        self.button.label = "Extend sweep" if folder else "Start sweep"

    def follow_runs(self) -> None:
        """Offer the sweeps that there are now."""
        self._offer_sweeps(self.state.study)

    def _attach_next(self) -> None:
        """Look at the sweep whose turn it is."""
        self.progress.watch(job_in_turn("scaling", store.study_hash(self.state.study)))
        self._shown = -1
        self._show()

    def tick(self) -> None:
        """Redraw when another fit is finished."""
        self.progress.refresh()
        self._show()

    def _found(self) -> "Sweep | None":
        job = self.progress.job
        if job is None:
            return None
        if job.status is Status.DONE:
            return job.result
        return job.events[-1].found if job.events else None

    def _show(self) -> None:
        found = self._found()
        rows = 0 if found is None else len(found.table)
        if rows == self._shown:
            return
        self._shown = rows
        if found is None or not rows:
            self.results.objects = [
                empty(
                    "Fits appear here as they finish."
                    if self.progress.job and not self.progress.job.status.over
                    else "Choose sizes and press Start sweep."
                )
            ]
            return
        from deepwas_app.workflow.results.scaling import summary
        from deepwas_app.workflow.runs.sweep import SCALING, STEPS

        said = summary(found)
        objects: list[Any] = [
            *(pmui.Typography(text(line), margin=(2, 0)) for line in said.verdict),
            self._figure(found),
        ]
        if len(found.steps):
            objects += [
                _heading("Each size over the next smaller"),
                table_download("Download TSV (nats)", "steps.tsv", STEPS, found.steps),
                _table(in_millinats(STEPS, "difference", "difference_se"), said.steps),
            ]
        fits = SCALING.part("size", "objective", "seed", "parameters", "gain", "gain_se")
        self.results.objects = [
            *objects,
            _heading("Every fit"),
            table_download("Download TSV (nats)", "scaling.tsv", SCALING, found.table),
            _table(in_millinats(fits, "gain", "gain_se"), said.fits),
            pmui.Typography(text(said.chosen), variant="body2", margin=(4, 0)),
        ]

    def _figure(self, found: "Sweep") -> Any:
        """The curve, whose small points open their runs."""
        figure = pictures.scaling(found)
        layers = [layer for layer in figure if "fit" in map(str, layer.vdims)]

        def go(row: pd.Series) -> None:
            name = store.run_name(found.runs[int(row["fit"])])
            self.state.refresh_runs(select=name)
            self.state.param.update(selected=[name], page="train")

        return plot(figure) if self.alone else opens(figure, layers, go)

    def _over(self, _: Job) -> None:
        self._attach_next()


def _heading(text: str) -> pmui.Typography:
    return pmui.Typography(text, variant="subtitle2", margin=(12, 0, 4, 0))


def _table(table: Table, frame: pd.DataFrame) -> pn.widgets.Tabulator:
    return page_table(table, frame, margin=(0, 0, 4, 0))
