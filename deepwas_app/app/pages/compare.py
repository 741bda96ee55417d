"""The Compare page: which of two runs predicts held-out variants better, and where."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import panel as pn
import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.cards.run_choice import run_select
from deepwas_app.app.components import caution, cells, empty, opens, plot, section
from deepwas_app.app.markup import text
from deepwas_app.app.pages import PAGES
from deepwas_app.app.pages.runs import RunsPage, finished_runs, name_in
from deepwas_app.app.result_tables import PLACE, page_table, table_download
from deepwas_app.core.objectives import OBJECTIVES
from deepwas_app.intervals import interval
from deepwas_app.plots import compare as pictures
from deepwas_app.workflow.results.evaluation import (
    best_run,
    evaluate,
    in_millinats,
    per_variant,
)
from deepwas_app.workflow.results.selection import (
    choice,
    choice_line,
    gains_that_differ,
    trained_apart,
)
from deepwas_app.workflow.runs.summary import EVALUATION, few_blocks


@PAGES.add
class ComparePage(RunsPage):
    """Two finished runs of a study, held out against held out; and the table of all.

    Examples
    --------
    >>> ComparePage("height_chr22")  # in a notebook cell
    """

    address, icon, order = "compare", "compare_arrows", 50
    heading = "Compare"
    intro = "Which of two runs predicts held-out variants better, and at which loci?"
    needs = (
        "Train two on the **Train** page, for example a linear prior and an MLP: here they are "
        "compared."
    )

    def __init__(self, *args: Any, **params: Any) -> None:
        self._choosing = False
        super().__init__(*args, **params)

    def build_runs(self, study: xr.Dataset) -> list[Any]:
        """The choice of two runs, what they say, and the table of all runs."""
        names = list(self.finished)
        runs = list(self.finished.values())
        best_of = choice(runs)
        one = self._objectives()
        everything = section(
            "All finished runs",
            *(caution(f"{words}.") for words in gains_that_differ(runs)),
            table_download(
                "Download TSV (nats)",
                "runs.tsv",
                EVALUATION,
                lambda: evaluate(self.finished.values()),
            ),
            self._runs_table(),
            note="Gain in held-out log-likelihood per variant over the constant prior fitted on "
            "the same blocks, with block-jackknife standard errors. "
            + (f"Objective of all: {one.pop()}. " if len(one) == 1 else "")
            + ("" if best_of is None else text(choice_line(best_of))),
        )
        cost = self._cost_card()
        self.calibrated = pmui.Column(sizing_mode="stretch_width")
        if len(names) == 1:
            self._calibrate(names[0])
            return [
                empty(
                    f"Only {text(names[0])} is finished. Train another on the **Train** page to "
                    "compare the two."
                ),
                self.calibrated,
                everything,
            ]
        best = name_in(self.finished, self.state.best_run())
        others = {name: run for name, run in self.finished.items() if name != best}
        second = name_in(others, best_run(others.values()))
        self.first = run_select("Run", names, best)
        self.second = run_select("Compared with", names, second)
        for chooser in (self.first, self.second):
            chooser.param.watch(lambda _: self._compute(), "value")
        swap = pmui.Button(label="Swap", icon="swap_horiz", variant="outlined", margin=(8, 0))
        swap.on_click(lambda _: self.swap())
        self.results = pmui.Column(sizing_mode="stretch_width")
        self._compute()
        return [
            section("Two runs", cells((self.first, 5), (self.second, 5), (swap, 2))),
            self.results,
            self.calibrated,
            cost,
            everything,
        ]

    def _cost_card(self) -> Any:
        """Gain against parameters or time, of all finished runs; a point opens its run."""
        self.cost = pmui.RadioButtonGroup(
            label="Cost",
            options={"Parameters": "parameters", "Time": "seconds"},
            value="parameters",
            size="small",
            margin=(4, 0),
        )
        frame = run_costs(self.finished)
        stage = pmui.Column(sizing_mode="stretch_width")

        def go(row: pd.Series) -> None:
            self.state.param.update(selected=[str(row["run"])], page="train")

        def draw(*_: Any) -> None:
            figure = pictures.costs(frame, str(self.cost.value))
            layers = [layer for layer in figure if layer.group == "Points"]
            stage.objects = [plot(figure) if self.alone else opens(figure, layers, go)]

        self.cost.param.watch(draw, "value")
        draw()
        note = "95% intervals. "
        if not self.alone:
            note += "Click a point to see its run on the Train page."
        return section("Gain and cost", self.cost, stage, note=note)

    def swap(self) -> None:
        """Turn the comparison round."""
        self._choose(self.second.value, self.first.value)

    def _choose(self, first: str, second: str) -> None:
        self._choosing = True
        try:
            self.first.value, self.second.value = first, second
        finally:
            self._choosing = False
        self._compute()

    def follow_runs(self) -> None:
        """Take in runs that were finished meanwhile, keeping the two that are compared."""
        if list(finished_runs(self.state)) == list(self.finished):
            return
        before = (self.first.value, self.second.value) if len(self.finished) > 1 else ()
        self.draw()
        if before and set(before) <= set(self.finished):
            self._choose(*before)

    def _chosen(self) -> tuple[Any, Any]:
        return self.finished[self.first.value], self.finished[self.second.value]

    def _compute(self) -> None:
        if self._choosing:
            return
        self.forget(self.results)
        self._calibrate(self.first.value)
        study, (first, second) = self.state.study, self._chosen()
        if first is second:
            self.results.objects = [empty("Choose two different runs.")]
            return
        self.later(
            self.results,
            lambda: store.comparison(study, first, second),
            self._figures,
            until="Comparing held-out likelihoods…",
        )

    def _calibrate(self, name: str) -> None:
        """What a run predicts of held-out variants, against what their z-scores say."""
        self.forget(self.calibrated)
        study, run = self.state.study, self.finished[name]
        if not run.test_blocks:
            self.calibrated.objects = [empty(f"{text(name)} held nothing out.")]
            return
        self.later(
            self.calibrated,
            lambda: store.calibration(study, run),
            partial(calibration_card, name),
            until="Setting realised against predicted heritability…",
        )

    def _figures(self, table: pd.DataFrame) -> pmui.Column:
        from deepwas_app.workflow.results.compare import COMPARISON, difference_line

        names = self.first.value, self.second.value
        line = difference_line(table, *map(text, names))
        blocks = int(table["BLOCKS"].iloc[0])
        # Of one block the line says that there is no error.
        if blocks > 1:
            line += "".join(f" {words}." for words in few_blocks(blocks))
        colours = "Blue: the first run predicts better; orange: the second."
        along = section(
            "Along the genome",
            plot(pictures.along_genome(table)),
            note=f"{colours} Named are the lead variants of the loci that changed most.",
        )
        pictured: list[Any] = [along]
        if (table["SCOPE"] == "chromosome").sum() > 1:
            chromosomes = section(
                "By chromosome",
                plot(pictures.by_chromosome(table)),
                note="With one block-jackknife standard error; the solid line is the whole.",
            )
            pictured = [cells((chromosomes, 4), (along, 8), breakpoint="lg")]
        note = "Held-out LD blocks, the one that changed most first."
        if not self.alone:
            note += " Click a row to see it on the Locus page."
        return pmui.Column(
            section(
                "Difference in held-out log-likelihood",
                pmui.Typography(
                    line, sx={"fontSize": "1.05rem", "overflowWrap": "anywhere"}, margin=(4, 0)
                ),
                *(caution(f"{words}.") for words in trained_apart(self._chosen())),
            ),
            *pictured,
            section(
                "Loci that changed most",
                table_download("Download TSV", f"{'_over_'.join(names)}.tsv", COMPARISON, table),
                self._blocks_table(table),
                note=note,
            ),
            sizing_mode="stretch_width",
        )

    def _blocks_table(self, table: pd.DataFrame) -> pn.widgets.Tabulator:
        from deepwas_app.workflow.results.compare import COMPARISON

        blocks = table[table["SCOPE"] == "block"]
        found = COMPARISON.part(
            "LEAD_SNP",
            "VARIANTS",
            "DIFFERENCE_NATS",
            "MILLINATS_PER_VARIANT",
            "H2_FIRST",
            "H2_SECOND",
        )
        shown = replace(found, columns=(PLACE, *found))
        widget = page_table(shown, blocks.assign(where=pictures.places(blocks)), page_size=10)

        def clicked(event: Any) -> None:
            row = blocks.iloc[event.row]
            self.state.region = f"{row['CHR']}:{row['START'] + 1}-{row['STOP']}"
            self.state.page = "locus"

        if not self.alone:
            widget.on_click(clicked)
        return widget

    def _objectives(self) -> set[str]:
        return {_objective(run) for run in self.finished.values()}

    def _runs_table(self) -> pn.widgets.Tabulator:
        runs = self.finished.values()
        frame = per_variant(evaluate(runs)).assign(
            run=list(self.finished),
            prior=[run.prior_type.label for run in runs],
            objective=[_objective(run) for run in runs],
        )
        # Names of any length break into lines, and leave room for the numbers.
        rare = ["variants", "kappa"]
        rare += ["objective"] if len(self._objectives()) == 1 else []
        rare += [] if frame["alpha_se"].notna().any() else ["alpha_se"]
        shown = EVALUATION.part(*(name for name in EVALUATION.names if name not in rare))
        return page_table(
            in_millinats(shown, "gain", "gain_se"),
            frame,
            page_size=20,
            wrapped=["run"],
            widths={"run": 120, "gain_per_variant": 126, "gain_per_variant_se": 126},
        )


def _objective(run: Any) -> str:
    return OBJECTIVES[run.settings.objective].label


def run_costs(finished: dict[str, Any]) -> pd.DataFrame:
    """Gain of finished runs in milli-nats per variant with its 95% interval, and what it cost."""
    rows = []
    for name, run in finished.items():
        said = run.summary
        gain = error = np.nan
        if said["gain"] is not None:
            scale = 1e3 / max(said["variants"], 1)
            gain, error = scale * said["gain"], scale * said["gain_se"]
        low, high = interval(gain, error, len(run.test_blocks))
        rows.append((name, said["parameters"], said.get("seconds", np.nan), gain, low, high))
    columns = ["run", "parameters", "seconds", "gain_per_variant", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def calibration_card(name: str, table: pd.DataFrame) -> Any:
    """Whether the prior of a run is calibrated where it was held out."""
    from deepwas_app.workflow.results.calibration import CALIBRATION

    shown = CALIBRATION.part(*(n for n in CALIBRATION.names if not n.startswith("realised")))
    return section(
        f"Is the prior of {text(name)} calibrated?",
        table_download("Download TSV", f"{name}_calibration.tsv", CALIBRATION, table),
        page_table(shown, table),
        note="Variants of the held-out LD blocks in five parts of equal predicted heritability, "
        "and the top of all. A 95% interval without 1 says that the prior is wrong there.",
    )
