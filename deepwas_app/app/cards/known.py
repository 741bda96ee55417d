"""Known associations on the Locus page: of a table that a visitor, or whoever serves, names."""

import os
from collections.abc import Callable
from typing import Any

import pandas as pd
import panel_material_ui as pmui

from deepwas_app.app.asking import Asker
from deepwas_app.app.components import typed
from deepwas_app.app.poller import Poller
from deepwas_app.app.state import AppState
from deepwas_app.errors import InputError
from deepwas_app.genetics.known import read_known


class Known(Asker):
    """A box for the path of a table; what is drawn at first is ``DEEPWAS_KNOWN``.

    Parameters
    ----------
    state, poller
        Of the page.
    draw
        Called with what was read; None for none.
    """

    def __init__(
        self, state: AppState, poller: Poller, draw: Callable[[pd.DataFrame | None], None]
    ) -> None:
        super().__init__(poller)
        self.state, self._draw = state, draw
        self.box = pmui.TextInput(
            label="Known associations: path on the server",
            placeholder="gwas_catalog_v1.0-associations.tsv",
            description="A table of the GWAS Catalog, or with its columns SNPS, CHR_ID, CHR_POS, "
            "DISEASE/TRAIT, PVALUE_MLOG and PUBMEDID. Press Enter; empty for none.",
            size="small",
            sizing_mode="stretch_width",
            margin=(6, 0),
        )
        self.box.param.watch(self._enter, "enter_pressed")
        self._layout = self.box
        if path := os.environ.get("DEEPWAS_KNOWN"):
            self._read(path)

    def _enter(self, _: Any) -> None:
        words = typed(self.box)
        try:
            path = self.state.places.admit(words)
        except InputError as problem:
            self._refuse(str(problem))
            return
        self.forget("known")
        if path:
            self._read(path)
        else:
            self._draw(None)

    def _read(self, path: str) -> None:
        study = self.state.study
        self.ask("known", lambda: read_known(path, study), self._draw, self._refuse)

    def _refuse(self, line: str) -> None:
        self.state.say(line, "error")
