"""What cards of the Annotations page share: runs, a figure, a table and a test."""

from collections.abc import Callable, Generator
from typing import Any, ClassVar, NamedTuple, Self, TypeAlias

import pandas as pd
import panel as pn
import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.cards.base import JobCard
from deepwas_app.app.jobs import JOBS, Job, Status
from deepwas_app.app.result_tables import page_table, table_download
from deepwas_app.app.state import AppState
from deepwas_app.workflow.tables import Table

FEW = 20
Steps: TypeAlias = Generator[Any, None, Any]
ALONE, SHIFTED = "alone", "shifted"


class Details(NamedTuple):
    """What the cards show.

    Attributes
    ----------
    study
        The study.
    runs, effects
        Runs and their annotation effects, by name.
    run
        Name of the run of the tables.
    alone, shifted
        Results of the tests that are done, by run.
    """

    study: xr.Dataset
    runs: dict[str, Any]
    effects: dict[str, xr.Dataset]
    run: str
    alone: dict[str, xr.Dataset]
    shifted: dict[str, pd.DataFrame]

    @classmethod
    def now(
        cls, study: xr.Dataset, runs: dict[str, Any], effects: dict[str, xr.Dataset], run: str
    ) -> Self:
        """With what the tests have found by now."""
        found = []
        for kind in (ALONE, SHIFTED):
            jobs = {name: latest_test(kind, study, runs[name]) for name in effects}
            done = {n: job for n, job in jobs.items() if job and job.status is Status.DONE}
            found.append({name: job.result for name, job in done.items()})
        return cls(study, runs, effects, run, *found)

    def table(self) -> pd.DataFrame:
        """What ``deepwas effects`` gives of the run, with the tests that are done."""
        from deepwas_app.workflow.results.effects import effects_table

        run = self.run
        return effects_table(self.effects[run], self.alone.get(run), self.shifted.get(run))

    def informative(self) -> dict[str, xr.Dataset]:
        """Effects of the priors that depend on annotations, with what the tests found."""
        from deepwas_app.workflow.results.interpret import with_tests

        return {
            run: with_tests(effect, self.alone.get(run), self.shifted.get(run))
            for run, effect in self.effects.items()
            if not effect.attrs["constant"]
        }


def latest_test(kind: str, study: xr.Dataset, run: Any) -> Job | None:
    """The newest test of a kind of a run."""
    return JOBS.latest(kind, store.study_hash(study), store.run_key(run))


def number_table(
    table: Table, frame: pd.DataFrame, columns: tuple[str, ...]
) -> pn.widgets.Tabulator:
    """Some columns of a table, those that are there; the download has all."""
    noted = bool(frame["Note"].any())
    columns = columns if noted else tuple(name for name in columns if name != "Note")
    long = "Category" in columns and frame["Category"].str.len().max() > 40
    return page_table(
        table.part(*columns),
        frame,
        # The whole name is in the download; the numbers must not leave the screen.
        widths=({"Category": 290} if long else {}) | ({"Note": 150} if noted else {}),
        wrapped=("Note",) if noted else (),
        sortable=False,
        page_size=FEW,
        layout="fit_data_fill",
    )


class AnnotationCard(JobCard):
    """A figure over a table, with a test that adds to both.

    Parameters
    ----------
    state
        The study and its runs.
    redraw
        Called when a test is over: what it found may stand on other cards as well.
    """

    kind: ClassVar[str] = ""
    """Of the jobs of its test."""

    def __init__(self, state: AppState, redraw: Callable[[], None]) -> None:
        super().__init__(state)
        self._redraw_all = redraw
        self.details: Details | None = None
        self.figure = pmui.Column(sizing_mode="stretch_width")
        self.table = pmui.Column(sizing_mode="stretch_width")
        self.everything = pmui.Switch(
            label="All annotations", value=False, size="small", margin=(4, 16, 4, 0)
        )
        self.everything.param.watch(self._redraw, "value")

    def tell(self, details: Details) -> None:
        """Draw what is known, and the progress of a test that runs."""
        self.details = details
        job = latest_test(self.kind, details.study, details.runs[details.run])
        self.progress.watch(job if job is not None and not job.status.over else None)
        self.draw(details)

    def draw(self, details: Details) -> None:
        """Put figure and table into their places."""
        raise NotImplementedError

    def test(self, study: xr.Dataset, run: Any) -> tuple[str, Callable[[], Steps]]:
        """The title of the test of a run, and what makes its steps."""
        raise NotImplementedError

    def start(self, *_: Any) -> None:
        """Test the run of the tables, unless that is going on."""
        details = self.details
        assert details is not None
        study, run = details.study, details.runs[details.run]
        running = latest_test(self.kind, study, run)
        if running is not None and not running.status.over:
            self.progress.watch(running)
            return
        title, steps = self.test(study, run)
        key, subject = store.study_hash(study), store.run_key(run)
        self.submit(Job(title, steps, kind=self.kind, study=key, subject=subject))

    def over(self, job: Job) -> None:
        """Draw with what was found."""
        self._redraw_all()

    def names(self, effects: dict[str, xr.Dataset], value: str) -> list[str] | None:
        """The annotations to draw: the strongest few, or all of them."""
        from deepwas_app.workflow.results.annotation_effects import strongest_annotations

        ranked = strongest_annotations(effects, value)
        self.everything.param.update(
            visible=len(ranked) > FEW, label=f"All {len(ranked)}, not just the strongest {FEW}"
        )
        return None if self.everything.value else ranked[:FEW]

    def show_table(
        self, details: Details, columns: tuple[str, ...], rows: Any = slice(None)
    ) -> None:
        """Some columns and rows of the effects of the run, under the download of all."""
        from deepwas_app.workflow.results.effects import EFFECTS

        table, run = details.table(), details.run
        self.table.objects = [
            table_download(f"Effects of {run} (TSV)", f"{run}.effects.tsv", EFFECTS, table),
            number_table(EFFECTS, table[rows], columns),
        ]

    def _redraw(self, *_: Any) -> None:
        if self.details is not None:
            self.draw(self.details)
