"""The loci of a study on the Locus page: a table whose rows open them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import panel_material_ui as pmui

from deepwas_app.app import store
from deepwas_app.app.asking import Asker
from deepwas_app.app.cards.report import ReportCard
from deepwas_app.app.poller import Poller
from deepwas_app.app.result_tables import page_frame, page_table, table_download
from deepwas_app.app.state import AppState

if TYPE_CHECKING:
    from deepwas_app.workflow.results.finemap import FineMapping

ROWS = 12
SHOWN = ("SNP", "CHR", "BP", "GENE", "P", "PRIOR_FOLD", "SIGNALS", "BEST_PIP", "SET_SIZE")


class LociCard(Asker):
    """Lead variants with what a run's prior and the fine-mappings of this visit say of them.

    Parameters
    ----------
    state
        The study and its runs.
    poller
        The session's timer, for work in a thread.
    go_to_variant
        Called with the row in the study of a lead variant that was clicked.
    """

    def __init__(
        self, state: AppState, poller: Poller, go_to_variant: Callable[[int], None]
    ) -> None:
        super().__init__(poller)
        self.state, self._go_to_variant = state, go_to_variant
        self._mappings: dict[str, list[FineMapping]] = {}
        self._run: Any = None
        self.rows = np.zeros(0, int)
        self.table: Any = None
        self.shown: Any = None
        self.report = ReportCard(state, self.chosen, lambda: self._run)
        self._layout = pmui.Column(sizing_mode="stretch_width")

    def look_at(self, run: Any) -> None:
        """Take the prior and the fine-mappings of a run; None for none."""
        key = "" if run is None else store.run_key(run)
        if self.table is None or key != self._key:
            self._run = run
            self._fill()

    def remember(self, found: "FineMapping") -> None:
        """Take in a fine-mapping under the prior of the run."""
        self._mappings.setdefault(self._key, []).append(found)
        self._fill()

    def chosen(self) -> list[str]:
        """Names of the lead variants that are ticked."""
        ticked = [] if self.shown is None else sorted(self.shown.selection)
        return [str(name) for name in self.table["SNP"].iloc[ticked]] if ticked else []

    @property
    def _key(self) -> str:
        return "" if self._run is None else store.run_key(self._run)

    def _fill(self) -> None:
        study, run, mappings = self.state.study, self._run, list(self._mappings.get(self._key, ()))

        def compute() -> Any:
            from deepwas_app.workflow.results.leads import leads

            prior = None if run is None else store.value(study, run, "heritability")
            return leads(study, store.genes(study), prior, mappings)

        def failed(line: str) -> None:
            self.state.say(line, "error")

        self.ask("loci", compute, self._show, failed)

    def _show(self, found: Any) -> None:
        from deepwas_app.workflow.results.leads import LEADS

        self.rows, self.table = found
        if self.shown is not None:
            self.shown.value = page_frame(LEADS.part(*SHOWN), self.table)
            return
        # P is text, because a number could be none: in the order of the rows it is sorted.
        self.shown = page_table(
            LEADS.part(*SHOWN),
            self.table,
            page_size=ROWS,
            sortable={"P": False},
            selectable="checkbox",
        )
        self.shown.on_click(lambda event: self._go_to_variant(int(self.rows[event.row])))
        self.file = table_download("Loci", "loci.tsv", LEADS, lambda: self.table)
        buttons = pmui.FlexBox(self.file, self.report, gap="8px")
        self._layout.objects = [self.shown, buttons]
