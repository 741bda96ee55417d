"""The Study page: open a study or build one, and see what is in it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.cards.load_own import OwnStudyForm
from deepwas_app.app.cards.study_numbers import study_numbers
from deepwas_app.app.components import (
    caution,
    cells,
    empty,
    opens,
    plot,
    section,
    typed,
    waiting,
)
from deepwas_app.app.job_view import JobView
from deepwas_app.app.pages import PAGES
from deepwas_app.app.pages.base import Page
from deepwas_app.app.regions import HALF_WINDOW
from deepwas_app.app.result_tables import PLACE, page_table, table_download
from deepwas_app.counting import counted
from deepwas_app.genetics.regions import Region
from deepwas_app.plots import study as pictures
from deepwas_app.plots.compare import place
from deepwas_app.plots.correlations import correlations
from deepwas_app.plots.frequency import frequency, has_frequencies
from deepwas_app.plots.manhattan import manhattan
from deepwas_app.plots.quantiles import qq
from deepwas_app.workflow.tables import Column, Table

PROVENANCE = Table(
    "provenance",
    "The files that a study was made from, one row a file.",
    (
        Column("role", "Role", "what it was taken for"),
        Column("path", "File", "its name"),
        Column("format", "Format", "as it was read"),
        Column("size", "Size", "of the file", "kB", digits=1),
    ),
)


@PAGES.add
class StudyPage(Page):
    """Open a built-in study or one on disk, or build one; then what is loaded.

    Examples
    --------
    >>> StudyPage("height_chr22")  # in a notebook cell
    """

    address, icon, order = "study", "dataset", 10
    jobs = ("build",)
    heading = "Study"
    intro = "Which GWAS, aligned to which LD, with which annotations, and whether it looks sound."

    def __init__(self, *args: Any, **params: Any) -> None:
        self.chooser: Any = None
        super().__init__(*args, **params)
        self.opening = JobView()
        self.form = OwnStudyForm(self.state)
        self._layout.insert(2, self._choices())
        self._watchers += [
            self.state.param.watch(self._opening_changed, "opening"),
            self.state.param.watch(self._name_study, "study"),
        ]
        if self.state.opening is not None:
            self.opening.watch(self.state.opening)

    def build(self, study: xr.Dataset) -> list[Any]:
        """Cards, figures and provenance of a study."""
        spectrum = pmui.Column(sizing_mode="stretch_width")
        overview = pmui.Column(sizing_mode="stretch_width")
        self.later(
            overview,
            lambda: store.annotation_overview(study),
            annotation_cards,
            until="Correlating the annotations…",
        )
        self.later(
            spectrum,
            lambda: store.spectrum(study),
            lambda found: plot(pictures.residual_spectrum(found)),
            until="Computing the residual spectrum…",
        )
        self._genome = pmui.Column(self._manhattan(study), sizing_mode="stretch_width")
        self._numbers = pmui.Column(*study_numbers(study), sizing_mode="stretch_width")
        self.follow_runs()
        misfits = pmui.Column(sizing_mode="stretch_width")
        self.later(
            misfits,
            lambda: store.mismatch(study),
            misfit_table,
            until="Checking the LD blocks…",
        )
        warning = pmui.Column(sizing_mode="stretch_width")
        self.later(
            warning,
            lambda: store.ld_warnings(study),
            lambda said: list(map(caution, said)),
        )
        return [
            self._numbers,
            section(
                "Manhattan plot",
                self._genome,
                note="Dashed: genome-wide significance, P = 5×10⁻⁸. Dense parts are thinned. "
                "Click a variant to see its locus.",
            ),
            cells(
                (
                    section(
                        "Alignment",
                        plot(pictures.alignment_waterfall(study)),
                        note="Rows of the GWAS file, what was lost and why, what is scored.",
                    ),
                    6,
                ),
                (
                    section(
                        "z-scores",
                        plot(pictures.z_histogram(study)),
                        note="Wider than the standard normal: signal, or inflation.",
                    ),
                    6,
                ),
                (
                    section(
                        "P values",
                        plot(qq(study)),
                        note="Shaded: 95% of independent variants without association.",
                    ),
                    6,
                ),
                (
                    section(
                        "Residual spectrum",
                        spectrum,
                        note="Observed against expected; a gap at the left shows LD mismatch.",
                    ),
                    6,
                ),
                *self._frequencies(study),
                (section("Where it came from", provenance_table(study)), 12),
                breakpoint="lg",
            ),
            section(
                "Annotations",
                overview,
                note="What they hold, and how alike they are, over the scored variants.",
            ),
            warning,
            section(
                "LD blocks that do not fit",
                misfits,
                note="Far from the null or the typical block, or with z-scores that contradict "
                "their LD.",
            ),
        ]

    def follow_runs(self) -> None:
        """LD score regression beside the run that is best now."""
        study, run = self.state.study, self.state.best_run()

        def show(found: Any = None, said: str = "") -> None:
            self._numbers.objects = study_numbers(study, found, run, said)

        self.ask(self._numbers, lambda: store.ldsc(study), show, lambda line: show(None, line))

    def _frequencies(self, study: xr.Dataset) -> list[tuple[Any, int]]:
        """Those of the GWAS beside those of the LD panel, where the study kept them."""
        if not has_frequencies(study):
            return []
        note = "Of the effect alleles; off the line is another population, or another allele."
        return [(section("Frequencies", plot(frequency(study)), note=note), 6)]

    def follow_annotation(self) -> None:
        """Single out its variants on the Manhattan plot."""
        self._genome.objects = [self._manhattan(self.state.study)]

    def _manhattan(self, study: xr.Dataset) -> Any:
        """The Manhattan plot, whose variants open the Locus page."""
        self.manhattan = manhattan(study, self.state.annotation)

        def go(row: Any) -> None:
            place = int(row["position"])
            region = Region.around(row["chromosome"], place, place, HALF_WINDOW)
            self.state.param.update(region=str(region), page="locus")

        return opens(self.manhattan, [self.manhattan.Points.I], go)

    def build_without_study(self) -> list[Any]:
        """What to do first."""
        if self.state.opening is not None:
            return [waiting("Opening the study…")]
        return [empty("Choose a study above, or build one from your own files.")]

    def _tick(self) -> None:
        # Without a study as well: what opens one is outside of the content.
        self.tick()

    def tick(self) -> None:
        """Follow the jobs that open and build studies."""
        self.state.check_opening()
        self.opening.refresh()
        self.form.refresh()

    def _choices(self) -> pmui.Paper:
        self.chooser = pmui.Select(
            label="Study",
            size="small",
            width=300,
            margin=(6, 12, 6, 0),
            description="Built-in studies, and those in the server's data folder.",
        )
        self.path = pmui.TextInput(
            label="Or a path on the server",
            placeholder="/data/my.study.zarr",
            size="small",
            width=340,
            margin=(6, 12, 6, 0),
            description="A folder NAME.study.zarr.",
        )
        self._name_study()
        # What was typed before is not what is wanted now.
        self.chooser.param.watch(lambda _: self.path.param.update(value=""), "value")
        self.open_button = pmui.Button(
            label="Open", icon="folder_open", color="primary", margin=(8, 12, 6, 0)
        )
        self.open_button.on_click(lambda _: self._ask(typed(self.path) or self.chooser.value))
        self.path.param.watch(lambda _: self._ask(typed(self.path)), "enter_pressed")
        own = pmui.Button(
            label="Build from your files",
            icon="upload_file",
            variant="outlined",
            margin=(8, 0, 6, 0),
        )
        form = pmui.Column(sizing_mode="stretch_width", visible=False)

        def toggle(_: Any) -> None:
            # Only now: it is large, and few want it.
            form.objects = form.objects or [pmui.Divider(margin=(10, 0)), self.form]
            form.visible = not form.visible

        own.on_click(toggle)
        return section(
            "Open or build",
            pmui.FlexBox(self.chooser, self.path, self.open_button, own, align_items="center"),
            self.opening,
            form,
        )

    def _ask(self, key: str | None) -> None:
        if key:
            self.state.request(key)

    def _opening_changed(self, event: Any) -> None:
        self.opening.watch(event.new)

    def _name_study(self, *_: Any) -> None:
        """Offer the studies that are there now, and name the one that is open."""
        known, key = store.known_studies(), self.state.study_key
        if key and key not in known.values():
            known[key] = key
        self.chooser.param.update(options=known, value=key or None)


def annotation_cards(found: tuple[pd.DataFrame, xr.DataArray]) -> Any:
    """A study's annotations, and the map of their correlations."""
    from deepwas_app.workflow.results.annotation_overview import ANNOTATIONS

    table, pairs = found
    file = table_download("Download TSV", "annotations.tsv", ANNOTATIONS, table)
    shown = ANNOTATIONS.part("annotation", "mean", "sd", "closest", "correlation")
    rows = page_table(shown, table, page_size=12, wrapped=["annotation", "closest"])
    return cells(
        (pmui.Column(file, rows, sizing_mode="stretch_width"), 6),
        (plot(correlations(pairs)), 6),
        breakpoint="lg",
    )


def misfit_table(table: pd.DataFrame) -> Any:
    """LD blocks that do not fit the GWAS, and what to do about each."""
    flagged = table[table["flagged"]]
    if flagged.empty:
        none = f"None of {counted(len(table), 'LD block')}."
        return pmui.Typography(none, variant="body2", margin=(4, 0))
    from deepwas_app.workflow.results.mismatch import LD_MISMATCH

    found = LD_MISMATCH.part("spectrum_ratio", "discordant_pairs", "advice")
    places = list(map(place, flagged["chromosome"], flagged["start"], flagged["stop"]))
    rows = page_table(
        replace(found, columns=(PLACE, *found)),
        flagged.assign(where=places),
        page_size=10,
        wrapped=["advice"],
    )
    file = table_download("Download TSV", "ld_mismatch.tsv", LD_MISMATCH, flagged)
    return pmui.Column(file, rows, sizing_mode="stretch_width")


def provenance_table(study: xr.Dataset) -> Any:
    """Every input file of a study: role, name, format, size."""
    rows = study.attrs.get("provenance", [])
    if not rows:
        return empty("This study does not say which files it was made from.")
    table = pd.DataFrame(rows)
    table["path"] = table["path"].map(lambda path: Path(path).name)
    table["size"] = table["size"] / 1e3
    widths = {"role": 115, "format": 85, "size": 100}
    return page_table(PROVENANCE, table, wrapped=["role"], layout="fit_columns", widths=widths)
