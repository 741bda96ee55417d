"""The cards of the Annotations page: effects of annotations, and their enrichment."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pandas as pd
import panel as pn
import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app.components import cells, plot, section
from deepwas_app.app.job_view import JobView
from deepwas_app.app.jobs import Job
from deepwas_app.app.result_tables import page_table, table_download
from deepwas_app.app.settings_form import number_input
from deepwas_app.plots import annotations as pictures
from deepwas_app.workflow.settings import FEWEST_SHIFTS, SHIFTS, EffectsSettings
from deepwas_app.workflow.tables import Table

FEW = 20
# What is shown of the tables of the effects and of the fifths.
EFFECT_COLUMNS = (
    "Category",
    "Coefficient",
    "Coefficient_std_error",
    "Coefficient_z-score",
    "Coefficient_p",
    "Unit_coefficient",
    "Unit_coefficient_std_error",
    "Marginal_coefficient",
    "Marginal_coefficient_std_error",
    "Marginal_coefficient_p",
)
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
)


class Details(NamedTuple):
    """What the cards show.

    Attributes
    ----------
    effects
        Annotation effects by run.
    run
        The run of the tables.
    alone, shifted
        Results of the tests that are done, by run.
    """

    effects: dict[str, xr.Dataset]
    run: str
    alone: dict[str, xr.Dataset]
    shifted: dict[str, pd.DataFrame]

    def table(self) -> pd.DataFrame:
        """What ``deepwas effects`` gives of the run, with the tests that are done."""
        from deepwas_app.workflow.results.effects import effects_table

        return effects_table(
            self.effects[self.run], self.alone.get(self.run), self.shifted.get(self.run)
        )

    def informative(self) -> dict[str, xr.Dataset]:
        """Effects of the priors that depend on annotations, with what the tests found."""
        found = {}
        for run, effect in self.effects.items():
            if run in self.alone:
                effect = effect.assign(self.alone[run])
            if run in self.shifted:
                error = self.shifted[run]["Shift_enrichment_std_error"].to_numpy()
                effect = effect.assign(shift_enrichment_se=("annotations", error))
            if not effect.attrs["constant"]:
                found[run] = effect
        return found


def number_table(
    table: Table, frame: pd.DataFrame, columns: tuple[str, ...]
) -> pn.widgets.Tabulator:
    """Some columns of a table, those that are there; the download has all."""
    long = "Category" in columns and frame["Category"].str.len().max() > 40
    return page_table(
        table.part(*columns),
        frame,
        # The whole name is in the download; the numbers must not leave the screen.
        widths={"Category": 290} if long else {},
        header_align=dict.fromkeys(columns[columns[0] == "Category" :], "right"),
        sortable=False,
        page_size=FEW,
        layout="fit_data_fill",
    )


def _effects_file(details: Details, table: pd.DataFrame) -> pmui.FileDownload:
    from deepwas_app.workflow.results.effects import EFFECTS

    return table_download(
        f"Effects of {details.run} (TSV)", f"{details.run}.effects.tsv", EFFECTS, table
    )


class Card(pn.viewable.Viewer):
    """A figure over a table, with a test that adds to both.

    Parameters
    ----------
    on_over
        Called with a test that is over.
    """

    def __init__(self, on_over: Callable[[Job], None]) -> None:
        super().__init__()
        self.progress = JobView(on_over=on_over)
        self.details: Details | None = None
        self.figure = pmui.Column(sizing_mode="stretch_width")
        self.table = pmui.Column(sizing_mode="stretch_width")
        self.everything = pmui.Switch(
            label="All annotations", value=False, size="small", margin=(4, 16, 4, 0)
        )
        self.everything.param.watch(self._redraw, "value")

    def tell(self, details: Details, job: Job | None) -> None:
        """Draw what is known, and the progress of a test that runs."""
        self.details = details
        self.progress.watch(job if job is not None and not job.status.over else None)
        self.draw()

    def draw(self) -> None:
        """Put figure and table into their places."""
        raise NotImplementedError

    def names(self, effects: dict[str, xr.Dataset], value: str) -> list[str] | None:
        """The annotations to draw: the strongest few, or all of them."""
        from deepwas_app.workflow.results.annotation_effects import strongest_annotations

        ranked = strongest_annotations(effects, value)
        self.everything.param.update(
            visible=len(ranked) > FEW, label=f"All {len(ranked)}, not just the strongest {FEW}"
        )
        return None if self.everything.value else ranked[:FEW]

    def _redraw(self, *_: Any) -> None:
        if self.details is not None:
            self.draw()


class EffectsCard(Card):
    """Effect of every annotation, together with the others and on its own."""

    def __init__(self, start: Callable[[], Job], on_over: Callable[[Job], None]) -> None:
        super().__init__(on_over)
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
        self.button.on_click(lambda _: self.progress.watch(start()))
        self._layout = section(
            "Effect on heritability",
            pmui.Row(self.unit, self.everything, self.button),
            self.progress,
            self.figure,
            self.table,
            note="Change of log heritability with an annotation, the others as they are: the "
            "coefficient of a linear prior, the average partial effect of any other. One at a "
            "time (hollow), an annotation also stands for those it goes together with.",
        )

    def draw(self) -> None:
        """The forest plot, and the table of one run."""
        from deepwas_app.workflow.results.effects import EFFECTS

        details = self.details
        assert details is not None
        effects = details.informative()
        self.figure.objects = []
        self.everything.visible = bool(effects)
        if effects:
            per_unit = self.unit.value == "Per unit"
            names = self.names(effects, "partial_effect")
            self.figure.objects = [plot(pictures.effect_forest(effects, per_unit, names))]
        table = details.table()
        self.table.objects = [
            _effects_file(details, table),
            number_table(EFFECTS, table, EFFECT_COLUMNS),
        ]

    def __panel__(self) -> Any:
        return self._layout


class EnrichmentCard(Card):
    """Enrichment of binary annotations and of fifths of continuous ones."""

    def __init__(self, start: Callable[[int], Job], on_over: Callable[[Job], None]) -> None:
        super().__init__(on_over)
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
        self.button.on_click(lambda _: self.progress.watch(start(self.shifts.value or SHIFTS)))
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
            note="Share of heritability over share of variants; 1 is none. Errors are optimistic "
            "where LD blocks are few. Annotations that are shifted along the genome show what "
            "chance alone gives (grey: 95% of it), on its own for each annotation.",
        )
        self._continuous = section(
            "Continuous annotations",
            self.continuous,
            self.fifths,
            note="Enrichment of each fifth of the variants, by the value of the annotation.",
        )
        self._layout = pmui.Column(self._binary, self._continuous, sizing_mode="stretch_width")

    def draw(self) -> None:
        """The forest plot, the table of one run, and the fifths."""
        from deepwas_app.workflow.results.effects import EFFECTS

        details = self.details
        assert details is not None
        effects = details.informative()
        kinds = details.effects[details.run]["annotation_kind"].values
        names = details.effects[details.run]["annotation"].values.astype(str)
        self._binary.visible = bool((kinds != "continuous").any())
        self.figure.objects = []
        self.everything.visible = bool(effects)
        if effects and (kinds == "binary").any():
            chosen = self.names(effects, "enrichment")
            self.figure.objects = [plot(pictures.enrichment_forest(effects, chosen))]
        table = details.table()
        self.table.objects = [
            _effects_file(details, table),
            number_table(EFFECTS, table[kinds == "binary"], ENRICHMENT_COLUMNS),
        ]
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

    def __panel__(self) -> Any:
        return self._layout
