"""The card of the Annotations page with the effect of every annotation."""

from collections.abc import Callable
from typing import Any

import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app.cards.annotation_card import ALONE, AnnotationCard, Details, Steps
from deepwas_app.app.components import plot, section
from deepwas_app.app.state import AppState
from deepwas_app.plots import annotations as pictures

EFFECT_COLUMNS = (
    "Category",
    "Note",
    "Coefficient",
    "Coefficient_std_error",
    "Coefficient_z-score",
    "Coefficient_p",
    "Score_p",
    "Unit_coefficient",
    "Unit_coefficient_std_error",
    "Marginal_coefficient",
    "Marginal_coefficient_std_error",
    "Marginal_coefficient_p",
)


class EffectsCard(AnnotationCard):
    """Effect of every annotation, together with the others and on its own."""

    kind = ALONE

    def __init__(self, state: AppState, redraw: Callable[[], None]) -> None:
        super().__init__(state, redraw)
        self.unit = pmui.RadioButtonGroup(
            options=["Per s.d.", "Per unit"],
            value="Per s.d.",
            size="small",
            margin=(4, 16, 4, 0),
            sx={"& .MuiButtonBase-root": {"whiteSpace": "nowrap"}},
        )
        self.unit.param.watch(self._redraw, "value")
        self.button = pmui.Button(
            label="Fit one at a time", icon="looks_one", variant="outlined", size="small", margin=4
        )
        self.button.on_click(self.start)
        self._layout = section(
            "Effect on heritability",
            pmui.Row(self.unit, self.everything, self.button),
            self.progress,
            self.figure,
            self.table,
            note="Change of log heritability with an annotation, the others as they are: the "
            "coefficient of a linear prior without the pull of the normal prior on it, the average "
            "partial effect of any other. One at a time (hollow), an annotation also stands for "
            "those it goes together with.",
        )

    def test(self, study: xr.Dataset, run: Any) -> tuple[str, Callable[[], Steps]]:
        """Fit every annotation alone."""
        from deepwas_app.workflow.results.interpret import marginal_effects

        return "Annotations one at a time", lambda: marginal_effects.steps(study, run)

    def draw(self, details: Details) -> None:
        """The forest plot, and the table of one run."""
        effects = details.informative()
        self.figure.objects = []
        self.everything.visible = bool(effects)
        if effects:
            per_unit = self.unit.value == "Per unit"
            names = self.names(effects, "partial_effect")
            self.figure.objects = [plot(pictures.effect_forest(effects, per_unit, names))]
        self.show_table(details, EFFECT_COLUMNS)
