"""The card of the Annotations page with all annotations in one table, intervals in its rows."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import panel as pn
import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app.cards.annotation_card import Details
from deepwas_app.app.components import section
from deepwas_app.app.markup import text
from deepwas_app.app.result_tables import page_table
from deepwas_app.app.state import AppState
from deepwas_app.intervals import interval
from deepwas_app.plots.bars import axis_of, interval_bar
from deepwas_app.workflow.tables import Column, Table

ROWS = 25
NAME = Column("annotation", "Annotation", "its name; click a row to choose it")
PREVALENCE = Column(
    "share", "Share or mean", "share of the variants that have it; mean of a continuous one"
)
EFFECT = Column("effect", "Effect per s.d.", "change of log variance per s.d., others as they are")
EFFECT_BAR = Column("effect_bar", "", "its 95% interval; an arrow head where it goes further")
EFFECT_P = Column("effect_p", "P", "two-sided P of the effect", digits=None)
ENRICHED = Column("enrichment", "Enrichment", "share of heritability over share of variants")
ENRICHED_BAR = Column("enrichment_bar", "", "its 95% interval; an arrow head where it goes further")
ENRICHED_P = Column("enrichment_p", "P", "two-sided P of the enrichment", digits=None)


class AnnotationTable(pn.viewable.Viewer):
    """All annotations: what they hold at once, what a run says of them when it is known.

    Parameters
    ----------
    state
        The study, and the annotation that is chosen.
    """

    def __init__(self, state: AppState) -> None:
        super().__init__()
        self.state = state
        self._share: pd.Series | None = None
        self._details: Details | None = None
        self._stage = pmui.Column(sizing_mode="stretch_width")
        self._said = pmui.Typography("", variant="body2", margin=(6, 8, 6, 0))
        self.clear = _button("Choose none", "close")
        self.clear.on_click(lambda _: self._choose(""))
        go = [_button("On the Manhattan plot", "bar_chart"), _button("At the locus", "my_location")]
        for button, page in zip(go, ("study", "locus"), strict=True):
            button.on_click(partial(self._go, page))
        self.chosen = pmui.FlexBox(self._said, *go, self.clear, align_items="center")
        self._layout = section(
            "All annotations",
            self.chosen,
            self._stage,
            note="Click a heading to sort, a row to choose an annotation and see its variants on "
            "the Manhattan plot and at the locus. Lines at no effect and at no enrichment.",
        )
        self.follow()

    def follow(self) -> None:
        """Say which annotation is chosen."""
        self.chosen.visible = bool(self.state.annotation)
        self._said.object = f"Chosen: **{text(self.state.annotation)}**"

    def know(self, overview: tuple[pd.DataFrame, Any]) -> None:
        """Take in what the study's annotations hold."""
        self._share = overview[0].set_index("annotation")["mean"]
        self.draw()

    def tell(self, details: Details | None) -> None:
        """Take in what a run says of them; nothing where there is none yet."""
        self._details = details
        self.draw()

    def draw(self) -> None:
        """The table with what is known."""
        names = self.state.study["annotation"].values.astype(str)
        effect = None if self._details is None else self._details.effects[self._details.run]
        frame, table = annotation_rows(names, self._share, effect)
        bars = [name for name in ("effect_bar", "enrichment_bar") if name in frame]
        widget = page_table(
            table,
            frame,
            page_size=ROWS,
            pictures=bars,
            wrapped=["annotation"],
            widths={"annotation": 230 if max(map(len, names), default=0) > 20 else 150},
            layout="fit_data_fill",
            header_filters={
                "annotation": {"type": "input", "func": "like", "placeholder": "search"}
            },
        )
        widget.on_click(lambda event: self._choose(frame["annotation"].iloc[event.row]))
        self._stage.objects = [widget]

    def _go(self, page: str, _: Any) -> None:
        self.state.page = page

    def _choose(self, name: str) -> None:
        """Choose an annotation; none where it is chosen already."""
        self.state.annotation = "" if name == self.state.annotation else name

    def __panel__(self) -> Any:
        return self._layout


def annotation_rows(
    names: np.ndarray, share: pd.Series | None, effect: xr.Dataset | None
) -> tuple[pd.DataFrame, Table]:
    """The rows of the table, the most significant effect first, and what its columns are."""
    frame = pd.DataFrame({"annotation": names})
    frame["share"] = np.nan if share is None else share.reindex(names).to_numpy(float)
    columns: list[Column] = [NAME, PREVALENCE]
    if effect is not None and not effect.attrs["constant"]:
        from deepwas_app.workflow.results.effects import effects_table

        known = effects_table(effect)
        value = known["Coefficient"].to_numpy(float)
        error = known["Coefficient_std_error"].to_numpy(float)
        low, high = interval(value, error, effect.attrs["blocks"])
        axis = axis_of(value, low, high, 0.0)
        frame["effect"], frame["effect_p"] = value, known["Coefficient_p"]
        frame["effect_bar"] = [interval_bar(*x, axis) for x in zip(value, low, high, strict=True)]
        columns += [EFFECT, replace(EFFECT_BAR, title=axis.words), EFFECT_P]
        if (effect["annotation_kind"].values == "binary").any():
            value, low, high = (
                known[n].to_numpy(float)
                for n in ("Enrichment", "Enrichment_low95", "Enrichment_high95")
            )
            axis = axis_of(value, low, high, 1.0, log=True)
            frame["enrichment"], frame["enrichment_p"] = value, known["Enrichment_p"]
            frame["enrichment_bar"] = [
                interval_bar(*x, axis) for x in zip(value, low, high, strict=True)
            ]
            columns += [ENRICHED, replace(ENRICHED_BAR, title=axis.words), ENRICHED_P]
        frame = frame.sort_values("effect_p", ignore_index=True)
    return frame, Table("annotations", "All annotations under a run.", tuple(columns))


def _button(label: str, icon: str) -> pmui.Button:
    return pmui.Button(label=label, icon=icon, variant="text", size="small", margin=(0, 8, 0, 0))
