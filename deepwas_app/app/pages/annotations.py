"""The Annotations page: what fitted priors say about annotations."""

import io
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.components import TABLE_STYLE, cells, empty, plot, section, waiting
from deepwas_app.app.pages.base import Page
from deepwas_app.app.pages.runs import follow, runs_choice
from deepwas_app.plots import annotations as pictures

TABLE_COLUMNS = {
    "run": "Run",
    "annotation": "Annotation",
    "kind": "Kind",
    "partial_effect": "Effect per s.d.",
    "partial_effect_se": "s.e.",
    "enrichment": "Enrichment",
    "enrichment_se": "s.e.  ",
    "enrichment_p": "P",
    "proportion_variants": "Share of variants",
    "proportion_heritability": "Share of heritability",
}


def effects_table(effects: dict[str, xr.Dataset]) -> pd.DataFrame:
    """All numbers of the page, one row per run and annotation."""
    tables = []
    for run, effect in effects.items():
        names = [name for name in effect.data_vars if effect[name].dims == ("annotations",)]
        table = pd.DataFrame({name: effect[name].values for name in names})
        table.insert(0, "annotation", effect["annotation"].values.astype(str))
        table.insert(0, "run", run)
        tables.append(table)
    return pd.concat(tables, ignore_index=True).rename(columns={"annotation_kind": "kind"})


class AnnotationsPage(Page):
    """Effect sizes with intervals, enrichment, quantiles and the table behind them.

    Examples
    --------
    >>> AnnotationsPage("height_chr22")  # in a notebook cell
    """

    heading = "Annotations"
    intro = "Which annotations carry heritability, and how sure we are: 95% intervals throughout."

    def __init__(self, *args: Any, **params: Any) -> None:
        super().__init__(*args, **params)
        self._watchers.append(self.state.param.watch(self._runs_changed, ["runs", "selected"]))

    def build(self, study: xr.Dataset) -> list[Any]:
        """The chooser of runs and what they say."""
        self.chooser = runs_choice(self.state, width=420, margin=(6, 16, 6, 0))
        self.chooser.param.watch(self._picked, "value")
        self.results = pmui.Column(sizing_mode="stretch_width")
        self._compute()
        return [
            section("Runs", self.chooser),
            self.results,
        ]

    def _picked(self, event: Any) -> None:
        self.state.selected = list(event.new)

    def _runs_changed(self, *_: Any) -> None:
        if self.active and self._drawn is self.state.study and self.state.study is not None:
            follow(self.chooser, self.state)
            self._compute()

    def _compute(self) -> None:
        study, runs = self.state.study, self.state.selected_runs()
        self._turn += 1
        informative = [run for run in runs if run.settings.prior != "constant"]
        if not study.sizes["annotations"]:
            self.results.objects = [
                empty("This study has no annotations. Build it with annotation files.")
            ]
        elif not informative:
            self.results.objects = [
                empty("Choose a run above, or train a linear or MLP prior on the Train page.")
            ]
        else:
            self.results.objects = [waiting("Computing annotation effects and their errors…")]

            def compute() -> dict[str, xr.Dataset]:
                return {store.run_name(run): store.effects(study, run) for run in informative}

            self.later(self.results, compute, self._figures)

    def _figures(self, effects: dict[str, xr.Dataset]) -> pmui.Column:
        table = effects_table(effects)
        cards = [
            section(
                "Effect on heritability",
                plot(pictures.effect_forest(effects)),
                note="Change of log heritability per s.d. of the annotation, the others as they "
                "are: a linear prior's coefficient, another's average partial effect.",
            ),
            section(
                "Enrichment",
                plot(pictures.enrichment_forest(effects)),
                note="Share of heritability over share of variants, binary annotations; 1 is none.",
            ),
        ]
        objects: list[Any] = [cells(*((card, 6) for card in cards), breakpoint="lg")]
        continuous = pictures.quantile_table(effects)["annotation"].unique()
        if len(continuous):
            panels = [
                pmui.Column(
                    pmui.Typography(name, sx={"fontWeight": 600}, margin=(4, 0)),
                    plot(pictures.quantile_enrichment(effects, name)),
                    sizing_mode="stretch_width",
                )
                for name in continuous
            ]
            objects.append(
                section(
                    "Continuous annotations",
                    cells(*((panel, 12 // min(len(panels), 3)) for panel in panels)),
                    note="Enrichment of each fifth of the variants; colours as above.",
                )
            )
        objects.append(section("Table", self._download(table), self._table(table)))
        return pmui.Column(*objects, sizing_mode="stretch_width")

    def _table(self, table: pd.DataFrame) -> pn.widgets.Tabulator:
        shown = [name for name in TABLE_COLUMNS if name in table]
        rounded = {"type": "money", "precision": 3, "thousand": ""}
        numbers = [n for n in shown if n not in ("run", "annotation", "kind", "enrichment_p")]
        p_values = table["enrichment_p"].map(lambda p: f"{p:.1e}" if pd.notna(p) else "")
        return pn.widgets.Tabulator(
            table[shown].assign(enrichment_p=p_values),
            titles=TABLE_COLUMNS,
            formatters=dict.fromkeys(numbers, rounded),
            show_index=False,
            disabled=True,
            selectable=False,
            page_size=25,
            pagination="local",
            sizing_mode="stretch_width",
            layout="fit_data_fill",
            stylesheets=[TABLE_STYLE],
        )

    def _download(self, table: pd.DataFrame) -> pmui.FileDownload:
        def content() -> io.StringIO:
            return io.StringIO(table.to_csv(sep="\t", index=False, na_rep="NA"))

        button = pmui.FileDownload(
            callback=content,
            filename="annotation_effects.tsv",
            label="Download TSV",
            icon="download",
            size="small",
            margin=(0, 0, 10, 0),
        )
        # Not in the constructor: there it warns of an option that nobody gave.
        button.variant = "outlined"
        return button
