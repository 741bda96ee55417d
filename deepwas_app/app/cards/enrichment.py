"""The card of the Annotations page with the enrichment of annotations, and of their fifths."""

from collections.abc import Callable
from typing import Any

import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app.cards.annotation_card import (
    SHIFTED,
    AnnotationCard,
    Details,
    Steps,
    number_table,
)
from deepwas_app.app.components import cells, plot, section
from deepwas_app.app.result_tables import table_download
from deepwas_app.app.settings_form import number_input
from deepwas_app.app.state import AppState
from deepwas_app.plots import annotations as pictures
from deepwas_app.workflow.settings import FEWEST_SHIFTS, SHIFTS, EffectsSettings

ENRICHMENT_COLUMNS = (
    "Category",
    "Prop._SNPs",
    "Prop._h2",
    "Prop._h2_std_error",
    "Enrichment",
    "Enrichment_low95",
    "Enrichment_high95",
    "Enrichment_p",
    "Shift_enrichment_std_error",
    "Shift_p",
    "Note",
)
FIFTH_COLUMNS = (
    "Quantile",
    "Lower",
    "Upper",
    "Prop._SNPs",
    "Prop._h2",
    "Enrichment",
    "Enrichment_low95",
    "Enrichment_high95",
    "Note",
)


class EnrichmentCard(AnnotationCard):
    """Enrichment of binary annotations and of fifths of continuous ones."""

    kind = SHIFTED

    def __init__(self, state: AppState, redraw: Callable[[], None]) -> None:
        super().__init__(state, redraw)
        self.shifts = number_input(
            EffectsSettings.param.shifts,
            value=SHIFTS,
            start=FEWEST_SHIFTS,
            width=110,
            margin=(4, 8, 4, 0),
        )
        self.button = pmui.Button(
            label="Test by shifting", icon="swap_horiz", variant="outlined", size="small", margin=8
        )
        self.button.on_click(self.start)
        self.continuous = pmui.Select(
            label="Annotation", options=[], size="small", width=360, margin=(4, 0)
        )
        self.continuous.param.watch(self._draw_fifths, "value")
        self.fifths = pmui.Column(sizing_mode="stretch_width")
        self._binary = section(
            "Binary annotations",
            pmui.Row(self.shifts, self.button, self.everything),
            self.progress,
            self.figure,
            self.table,
            note="Share of heritability over share of variants; 1 is none. Annotations that are "
            "shifted along the genome show what chance alone gives (grey: 95% of it), on its own "
            "for each annotation.",
        )
        self._continuous = section(
            "Continuous annotations",
            self.continuous,
            self.fifths,
            note="Enrichment of each fifth of the variants, by the value of the annotation.",
        )
        self._layout = pmui.Column(self._binary, self._continuous, sizing_mode="stretch_width")

    def test(self, study: xr.Dataset, run: Any) -> tuple[str, Callable[[], Steps]]:
        """Shift every annotation along the genome."""
        from deepwas_app.workflow.results.interpret import shifted_annotations

        shifts = self.shifts.value or SHIFTS
        return f"{shifts} shifts", lambda: shifted_annotations.steps(study, run, shifts)

    def draw(self, details: Details) -> None:
        """The forest plot, the table of one run, and the fifths."""
        effects = details.informative()
        kinds = details.effects[details.run]["annotation_kind"].values
        names = details.effects[details.run]["annotation"].values.astype(str)
        self._binary.visible = bool((kinds != "continuous").any())
        self.figure.objects = []
        self.everything.visible = bool(effects)
        if effects and (kinds == "binary").any():
            chosen = self.names(effects, "enrichment")
            self.figure.objects = [plot(pictures.enrichment_forest(effects, chosen))]
        self.show_table(details, ENRICHMENT_COLUMNS, kinds == "binary")
        options = names[kinds == "continuous"].tolist()
        self._continuous.visible = bool(options)
        if self.continuous.options != options:
            from deepwas_app.workflow.results.annotation_effects import strongest_annotations

            strongest = strongest_annotations(details.effects, "partial_effect")
            first = next((name for name in strongest if name in options), None)
            self.continuous.param.update(
                options=options, value=first or (options[0] if options else None)
            )
        self._draw_fifths()

    def _draw_fifths(self, *_: Any) -> None:
        details, name = self.details, self.continuous.value
        if details is None or name is None or name not in self.continuous.options:
            self.fifths.objects = []
            return
        from deepwas_app.workflow.results.effects import FIFTHS, quantile_table

        table = quantile_table(details.effects[details.run])
        effects = details.informative() or details.effects
        self.fifths.objects = [
            cells(
                (plot(pictures.quantile_enrichment(effects, name)), 5),
                (number_table(FIFTHS, table[table["Category"] == name], FIFTH_COLUMNS), 7),
                breakpoint="lg",
            ),
            table_download(
                f"Fifths of all continuous annotations, {details.run} (TSV)",
                f"{details.run}.quantiles.tsv",
                FIFTHS,
                table,
            ),
        ]
