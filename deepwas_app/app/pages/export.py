"""The Export page: what other tools take from a run, and polygenic scores of genotypes."""

import os
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.cards.run_choice import run_select
from deepwas_app.app.cards.scores import ScoreForm
from deepwas_app.app.components import cells, copyable, let_copy, section
from deepwas_app.app.pages import PAGES
from deepwas_app.app.pages.runs import RunsPage, doubts, finished_runs, name_in
from deepwas_app.app.places import Places
from deepwas_app.app.regions import around
from deepwas_app.app.result_tables import download
from deepwas_app.app.settings_form import widgets
from deepwas_app.genetics.regions import parse_region
from deepwas_app.genetics.study import strongest_loci
from deepwas_app.workflow.results.exports import EXPORTS, Export
from deepwas_app.workflow.results.identity import VARIANT, identity
from deepwas_app.workflow.runs.doubted import run_warnings
from deepwas_app.workflow.settings import plain


@PAGES.add
class ExportPage(RunsPage):
    """Files that other tools take from a finished run, each made when its button is pressed.

    Examples
    --------
    >>> ExportPage("height_chr22")  # in a notebook cell
    """

    address, icon, order = "export", "ios_share", 70
    jobs = ("score",)
    heading = "Export"
    intro = "Take a fitted prior and its effects to other tools, or score genotypes here."
    needs = "Train one on the **Train** page: here you take its prior, effects and scores away."

    def build_runs(self, study: xr.Dataset) -> list[Any]:
        """The choice of a run, its files, and the scoring of genotypes."""
        names = list(self.finished)
        self.run = run_select("Run", names, name_in(self.finished, self.state.best_run()))
        self.run.param.watch(lambda _: self._follow_run(), "value")
        self.doubts = pmui.Column(sizing_mode="stretch_width")
        self.region = pmui.TextInput(
            label="Region",
            value=strongest_region(study),
            placeholder="22:30500000-31500000",
            size="small",
            sizing_mode="stretch_width",
            margin=(6, 0, 10, 0),
        )
        self.buttons: dict[str, tuple[pmui.FileDownload, str]] = {}
        # Each with RUN in it, in place of the path of the run.
        self.commands: list[tuple[pmui.Row, str]] = []
        path = self._command("RUN")
        self.scoring = ScoreForm(
            self.state, lambda: self._run(), genotypes_of(study, self.state.places)
        )
        self.options = {name: export.options() for name, export in EXPORTS.items()}
        files = [self._export(export) for export in EXPORTS.values()]
        files.append(
            self._file(
                "Annotation effects",
                "In the columns of **S-LDSC**'s results. Coefficient is the change of log variance "
                "per s.d. of the annotation; enrichment is for binary annotations.",
                download("Download", "", self._effects),
                "effects.tsv",
                "deepwas effects RUN -o FILE",
            )
        )
        self._follow_run()
        return [
            section("Run", self.run, path, self.doubts),
            section("Files for other tools", cells(*((card, 6) for card in files))),
            section(
                "Score genotypes",
                self.scoring,
                note="Polygenic scores of people with the weights of the run above. Give the path "
                "of PLINK 1 files on the server; with a phenotype you see how well they predict.",
            ),
        ]

    def follow_runs(self) -> None:
        """Take in runs that were finished meanwhile."""
        names = list(finished_runs(self.state))
        if not self.finished or not names:
            self.draw()
        elif names != list(self.finished):
            self.finished = finished_runs(self.state)
            kept = self.run.value if self.run.value in names else names[-1]
            self.run.param.update(options=names, value=kept)

    def tick(self) -> None:
        """Follow the scoring."""
        if self.active and self.finished:
            self.scoring.refresh()

    def _export(self, export: Export) -> pmui.Paper:
        """The card of an exported table."""
        options = self.options[export.name]
        knobs = [
            *widgets(options, plain(options)).values(),
            *([self.region] if export.region else []),
        ]

        doubted = pmui.Column(sizing_mode="stretch_width")
        said: list[str] = []

        def content() -> str:
            study, run = self.state.study, self._run()
            region = parse_region(self.region.value, study) if export.region else None
            table = store.exported(study, run, export, options, region)
            said[:] = table.attrs.get("doubts", [])
            return export.written(table, study, run)

        def after() -> None:
            doubted.objects = doubts(self.run.value, said)

        size = self._size(export.row) if export.row else ""
        return self._file(
            export.title,
            export.purpose,
            download(f"Download{size}", "", content, after),
            export.ending,
            f"deepwas export RUN --{export.name} FILE" + " --region REGION" * export.region,
            *knobs,
            doubted,
            then=export.then,
        )

    def _effects(self) -> str:
        from deepwas_app.workflow.results.effects import EFFECTS, effects_table

        return EFFECTS.text(effects_table(store.effects(self.state.study, self._run())))

    def _run(self) -> Any:
        return self.finished[self.run.value]

    def _follow_run(self) -> None:
        """Say what is to be doubted of the run, and put its name before those of its files."""
        self.doubts.objects = doubts(self.run.value, run_warnings(self._run()))
        for button, ending in self.buttons.values():
            button.filename = f"{store.run_name(self._run())}.{ending}"
        run = self._run()
        # Where strangers look, the server's folders are none of their business.
        path = run.path if self.state.places.allows("/") else Path(run.path.name)
        for row, line in self.commands:
            let_copy(row, re.sub(r"\bRUN\b", lambda _: shlex.quote(str(path)), line))

    def _file(
        self,
        name: str,
        purpose: str,
        button: pmui.FileDownload,
        ending: str,
        command: str,
        *knobs: Any,
        then: str = "",
    ) -> pmui.Paper:
        self.buttons[name] = (button, ending)
        return pmui.Paper(
            pmui.Typography(
                name, variant="h3", sx={"fontSize": "1rem", "fontWeight": 600}, margin=0
            ),
            pmui.Typography(purpose, variant="body2", margin=(4, 0, 8, 0)),
            *knobs,
            button,
            *(self._command(line) for line in (command, then) if line),
            variant="outlined",
            elevation=0,
            margin=0,
            sx={"p": "12px 14px", "borderRadius": "8px", "height": "100%"},
            sizing_mode="stretch_width",
        )

    def _command(self, line: str) -> pmui.Row:
        """A line to copy; where RUN stands, the run's path will."""
        row = copyable(line)
        self.commands.append((row, line))
        return row

    def _size(self, row: int) -> str:
        """How large a file will be, from the first variants and what else its rows hold."""
        study = self.state.study
        rows = np.arange(min(1000, study.sizes["variants"]))
        text = VARIANT.text(identity(study, rows, tuple(VARIANT.names)))
        size = (len(text) / max(len(rows), 1) + row) * study.sizes["variants"] / 1e6
        return f" (about {size:.1f} MB)" if size < 10 else f" (about {size:.0f} MB)"


def genotypes_of(study: xr.Dataset, places: Places) -> str:
    """The prefix of the genotypes that the study's LD is from; "" where they are not there.

    Or may not be named: a study may say any path.
    """
    for source in study.attrs.get("provenance", []):
        path = Path(str(source.get("path", "")))
        named = source.get("role") == "genotypes" and path.suffix == ".bed"
        # Unlike Path.exists, no error where the folder is another person's.
        if named and places.allows(str(path)) and os.path.exists(path):
            return str(path.with_suffix(""))
    return ""


def strongest_region(study: xr.Dataset) -> str:
    """Half a megabase on either side of the strongest variant; "" where there is none."""
    rows = strongest_loci(study, count=1)
    return str(around(study, rows[0])) if rows else ""
