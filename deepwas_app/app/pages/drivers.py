"""Which annotations drive the prior of the variant that the Locus page refers to."""

import html
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from deepwas_app.app import store
from deepwas_app.app.components import download, plot
from deepwas_app.app.poller import Poller
from deepwas_app.app.state import AppState
from deepwas_app.plots.locus_drivers import driver_plot


class DriversCard(pn.viewable.Viewer):
    """Bars of what raises and lowers one variant's prior heritability under one run.

    Parameters
    ----------
    state
        The study and its runs.
    poller
        The session's timer, for work in a thread.
    """

    def __init__(self, state: AppState, poller: Poller) -> None:
        super().__init__()
        self.state, self.poller = state, poller
        self.table: Any = None
        self._wanted: tuple[str, int] | None = None
        self.line = pmui.Typography("", variant="body2", margin=(4, 0))
        self.figure = plot()
        self.file = download("Drivers", "drivers.tsv", self._text)
        self._shown = pmui.Column(self.figure, self.file, sizing_mode="stretch_width")
        self._layout = pmui.Column(self.line, self._shown, sizing_mode="stretch_width")

    def look_at(self, run: Any, row: int) -> None:
        """Explain the prior of a variant (its row in the study) under a run; None: no run."""
        study = self.state.study
        if run is None:
            self._wanted = None
            self._say("Choose a run above to see what drives this variant's prior.")
            return
        if run.settings.prior == "constant" or not study.sizes["annotations"]:
            self._wanted = None
            self._say(f"{store.run_name(run)} uses no annotations: every variant has the same f.")
            return
        wanted = (str(run.path), row)
        if wanted == self._wanted:
            return
        self._wanted = wanted

        def compute() -> Any:
            return store.drivers(study, run, row)

        def done(table: Any) -> None:
            if self._wanted == wanted:
                self._show(table, run)

        self.poller.later(compute, done, self._say)

    def _show(self, table: Any, run: Any) -> None:
        self.table = table
        times = float(np.exp(table["ATTRIBUTION"].sum()))
        name = table["SNP"].iloc[0]
        self.line.object = (
            f"<b>{html.escape(str(name))}</b>: {html.escape(store.run_name(run))} gives it "
            f"{times:.3g} times the heritability of a variant with mean annotations "
            "(integrated gradients; bars add up)."
        )
        self.file.filename = f"drivers_{name}.tsv".replace(":", "_").replace("/", "_")
        self.figure.object = driver_plot(table)
        self._shown.visible = True

    def _say(self, text: str) -> None:
        self.line.object = html.escape(text)
        self._shown.visible = False

    def _text(self) -> str:
        from deepwas_app.workflow.interpret import drivers_text

        return drivers_text(self.table)

    def __panel__(self) -> pmui.Column:
        return self._layout
