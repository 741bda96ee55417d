"""The Export page: what other tools take from a run, and polygenic scores of genotypes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.components import cells, download, section
from deepwas_app.app.pages.runs import RunsPage, finished_runs, run_select
from deepwas_app.app.pages.scores import ScoreForm
from deepwas_app.genetics.regions import Region, parse_region
from deepwas_app.genetics.study import strongest_loci

HALF_REGION = 500_000
# Characters of a row beside its variant's name, place and alleles.
ROW = {"snpvar": 32, "weights": 16, "catalog": 26}


class ExportPage(RunsPage):
    """Files that other tools take from a finished run, each made when its button is pressed.

    Examples
    --------
    >>> ExportPage("height_chr22")  # in a notebook cell
    """

    heading = "Export"
    intro = "Take a fitted prior and its effects to other tools, or score genotypes here."
    needs = "Train one on the **Train** page: here you take its prior, effects and scores away."

    def build_runs(self, study: xr.Dataset) -> list[Any]:
        """The choice of a run, its files, and the scoring of genotypes."""
        names = list(self.finished)
        self.run = run_select("Run", names, names[-1])
        self.run.param.watch(lambda _: self._name_files(), "value")
        self.floor = pmui.Switch(
            label="Keep max/min within 100, as PolyFun does", value=False, margin=(0, 0, 6, 0)
        )
        self.region = pmui.TextInput(
            label="Region",
            value=strongest_region(study),
            placeholder="22:30500000-31500000",
            size="small",
            sizing_mode="stretch_width",
            margin=(6, 0, 10, 0),
        )
        self.buttons: dict[str, tuple[pmui.FileDownload, str]] = {}
        self.scoring = ScoreForm(self.state, lambda: self._run(), genotypes_of(study))
        files = [
            self._file(
                "Per-variant heritability",
                "The prior variance of each scored variant, for **PolyFun** and its fine-mapping. "
                "SNPVAR is a share of the phenotype's variance; Z is of A1, the effect allele.",
                "snpvar.tsv",
                self.snpvar_text,
                "--snpvar FILE",
                self._size("snpvar"),
                self.floor,
            ),
            self._file(
                "SuSiE prior weights",
                "Prior weights of the variants of one region, summing to 1: for prior_weights of "
                "**susieR**.",
                "prior_weights.tsv",
                self.prior_weights_text,
                "--susie FILE --region REGION",
                "",
                self.region,
            ),
            self._file(
                "Polygenic score weights",
                "Posterior mean effects, for **plink2**. BETA is in phenotype s.d. per copy of A1, "
                "the effect allele.",
                "weights.tsv",
                self.weights_text,
                "--weights FILE",
                self._size("weights"),
                then="plink2 --bfile PEOPLE --score FILE 1 4 6 header",
            ),
            self._file(
                "PGS Catalog scoring file",
                "The same weights in format 2.0 of the **PGS Catalog**, for its calculator and for "
                "deposition. effect_weight is in phenotype s.d. per copy of effect_allele.",
                "pgs_catalog.txt",
                self.catalog_text,
                "--pgs-catalog FILE",
                self._size("catalog"),
            ),
            self._file(
                "Annotation effects",
                "In the columns of **S-LDSC**'s results. Coefficient is the change of log variance "
                "per s.d. of the annotation; enrichment is for binary annotations.",
                "effects.tsv",
                self.effects_text,
                "-o FILE",
                "",
                verb="effects",
            ),
        ]
        self._name_files()
        return [
            section("Run", self.run),
            section("Files for other tools", cells(*((card, 6) for card in files))),
            section(
                "Score genotypes",
                self.scoring,
                note="Polygenic scores of people with the weights of the run above. Give the path "
                "of PLINK 1 files on the server; with a phenotype you see how well it predicts.",
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

    def snpvar_text(self) -> str:
        """As ``deepwas export RUN --snpvar``."""
        from deepwas_app.workflow.exports import snpvar_table, snpvar_text

        table = snpvar_table(self.state.study, self._run(), floor=self.floor.value)
        return snpvar_text(table)

    def prior_weights_text(self) -> str:
        """As ``deepwas export RUN --susie``."""
        from deepwas_app.workflow.exports import prior_weights, prior_weights_text

        region = parse_region(self.region.value, self.state.study)
        return prior_weights_text(prior_weights(self.state.study, self._run(), region))

    def weights_text(self) -> str:
        """As ``deepwas export RUN --weights``."""
        from deepwas_app.workflow.exports import weights_text

        return weights_text(store.pgs_weights(self.state.study, self._run()))

    def catalog_text(self) -> str:
        """As ``deepwas export RUN --pgs-catalog``."""
        from deepwas_app.workflow.exports import pgs_catalog_text

        study, run = self.state.study, self._run()
        return pgs_catalog_text(store.pgs_weights(study, run), study, run)

    def effects_text(self) -> str:
        """As ``deepwas effects RUN``."""
        from deepwas_app.workflow.effects import effects_table, effects_text

        return effects_text(effects_table(store.effects(self.state.study, self._run())))

    def _run(self) -> Any:
        return self.finished[self.run.value]

    def _name_files(self) -> None:
        """Put the run's name before the names of its files."""
        for button, ending in self.buttons.values():
            button.filename = f"{store.run_name(self._run())}.{ending}"

    def _file(
        self,
        name: str,
        purpose: str,
        ending: str,
        content: Callable[[], str],
        flags: str,
        size: str,
        *knobs: Any,
        verb: str = "export",
        then: str = "",
    ) -> pmui.Paper:
        button = download(f"Download{size}", ending, content)
        self.buttons[name] = (button, ending)
        return pmui.Paper(
            pmui.Typography(
                name, variant="h3", sx={"fontSize": "1rem", "fontWeight": 600}, margin=0
            ),
            pmui.Typography(purpose, variant="body2", margin=(4, 0, 8, 0)),
            *knobs,
            button,
            *(_command(line) for line in (f"deepwas {verb} RUN {flags}", then) if line),
            variant="outlined",
            elevation=0,
            margin=0,
            sx={"p": "12px 14px", "borderRadius": "8px", "height": "100%"},
            sizing_mode="stretch_width",
        )

    def _size(self, kind: str) -> str:
        """How large a file will be, from the first variants."""
        from deepwas_app.workflow.exports import identity
        from deepwas_app.workflow.tables import tab_separated

        study = self.state.study
        rows = np.arange(min(1000, study.sizes["variants"]))
        text = tab_separated(identity(study, rows, ("SNP", "CHR", "BP", "A1", "A2")))
        size = (len(text) / max(len(rows), 1) + ROW[kind]) * study.sizes["variants"] / 1e6
        return f" (about {size:.1f} MB)" if size < 10 else f" (about {size:.0f} MB)"


def _command(line: str) -> pmui.Typography:
    return pmui.Typography(
        line,
        variant="caption",
        sx={"color": "text.secondary", "fontFamily": "monospace"},
        margin=0,
    )


def genotypes_of(study: xr.Dataset) -> str:
    """The prefix of the genotypes that the study's LD is from, if they are still there; else ""."""
    for source in study.attrs.get("provenance", []):
        path = Path(str(source.get("path", "")))
        # Unlike Path.exists, no error where the folder is another person's.
        there = os.path.exists(path)
        if source.get("role") == "genotypes" and path.suffix == ".bed" and there:
            return str(path.with_suffix(""))
    return ""


def strongest_region(study: xr.Dataset) -> str:
    """Half a megabase on either side of the strongest variant; "" where there is none."""
    rows = strongest_loci(study, count=1)
    if not rows:
        return ""
    chromosome = study["variant_chromosome"].values[rows[0]]
    position = study["variant_position"].values[rows[0]]
    return str(Region.around(chromosome, position, position, HALF_REGION))
