"""Which annotations drive the prior of the variant that the Locus page refers to."""

import time
from collections.abc import Callable
from typing import Any

import panel_material_ui as pmui

from deepwas_app.app import store
from deepwas_app.app.asking import Asker
from deepwas_app.app.components import plot
from deepwas_app.app.markup import text
from deepwas_app.app.poller import Poller
from deepwas_app.app.result_tables import table_download
from deepwas_app.app.state import AppState
from deepwas_app.plots.locus_drivers import driver_plot

# Seconds for which a variant must have been wanted.
REST = 0.7


class DriversCard(Asker):
    """Bars of what raises and lowers one variant's prior heritability under one run.

    Parameters
    ----------
    state
        The study and its runs.
    poller
        The session's timer, for work in a thread.
    """

    def __init__(self, state: AppState, poller: Poller) -> None:
        super().__init__(poller)
        self.state = state
        self.table: Any = None
        self._wanted: tuple[str, int] | None = None
        self._due: tuple[float, Callable[[], None]] | None = None
        self.line = pmui.Typography("", variant="body2", margin=(4, 0))
        self.figure = plot()
        self._shown = pmui.Column(sizing_mode="stretch_width")
        self._layout = pmui.Column(self.line, self._shown, sizing_mode="stretch_width")

    def look_at(self, run: Any, row: int) -> None:
        """Explain the prior of a variant (its row in the study) under a run; None: no run."""
        study = self.state.study
        wanted = None if run is None else (store.run_key(run), row)
        if wanted is not None and wanted == self._wanted:
            return
        self.let_go()
        self._wanted = wanted
        if run is None:
            self._say("Choose a run above to see what drives this variant's prior.")
            return
        if run.prior_type.constant or not study.sizes["annotations"]:
            self._say(f"{store.run_name(run)} uses no annotations: every variant has the same f.")
            return
        self._say("Computing what drives the prior…")

        def explain() -> None:
            self.ask(
                "drivers",
                lambda: store.drivers(study, run, row),
                lambda table: self._show(table, run),
                self._failed,
            )

        self._due = time.monotonic() + REST, explain

    def refresh(self) -> None:
        """Explain what is wanted, when it has been for a moment; called by the page's timer.

        Bars are a new figure, which takes longer than all else that follows a click.
        """
        if self._due is not None and time.monotonic() > self._due[0]:
            (_, explain), self._due = self._due, None
            explain()

    def let_go(self) -> None:
        """Take back what was asked for, and what is to be."""
        super().let_go()
        self._due = None

    def _show(self, table: Any, run: Any) -> None:
        from deepwas_app.workflow.results.interpret import DRIVERS, total_fold

        self.table = table
        name = table["SNP"].iloc[0]
        self.line.object = (
            f"<b>{text(name)}</b>: {text(store.run_name(run))} gives it "
            f"{total_fold(table):.3g} times the heritability of a variant with mean annotations "
            "(integrated gradients; bars add up)."
        )
        file_name = f"drivers_{name}.tsv".replace(":", "_").replace("/", "_")
        self.file = table_download("Drivers", file_name, DRIVERS, table)
        self.figure.object = driver_plot(table)
        self._shown.objects = [self.figure, self.file]
        self._shown.visible = True

    def _say(self, line: str) -> None:
        self.line.object = text(line)
        self._shown.visible = False

    def _failed(self, problem: str) -> None:
        # The next look at it may fare better.
        self._wanted = None
        self._say(problem)
