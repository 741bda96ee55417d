"""The card of the Annotations page that shows how priors answer to one annotation or to two."""

from typing import Any

import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.asking import Asker
from deepwas_app.app.components import cells, empty, plot, section
from deepwas_app.app.markup import text
from deepwas_app.app.poller import Poller
from deepwas_app.app.result_tables import table_download
from deepwas_app.plots import response as pictures

NONE = "none"


class ResponseCard(Asker):
    """Response curve of one annotation, or interaction surface of two.

    Parameters
    ----------
    study
        The open study.
    poller
        Of the page.
    """

    def __init__(self, study: xr.Dataset, poller: Poller) -> None:
        super().__init__(poller)
        self._study = study
        self._runs: list[Any] = []
        self._all: list[Any] = []
        names = study["annotation"].values.astype(str).tolist()
        options: dict[str, Any] = {"size": "small", "width": 340, "margin": (4, 16, 4, 0)}
        if len(names) > 12:
            options |= {"searchable": True, "dropdown_height": 400}
        self.annotation = pmui.Select(
            label="Annotation", options=names, value=names[0] if names else None, **options
        )
        self.by = pmui.Select(label="Together with", options=[NONE, *names], value=NONE, **options)
        for choice in (self.annotation, self.by):
            choice.param.watch(self._compute, "value")
        self.results = pmui.Column(sizing_mode="stretch_width")
        self._layout = section(
            "Response",
            pmui.Row(self.annotation, self.by),
            self.results,
            note="Mean log heritability where the annotation is set to a value, against the "
            "variants as they are. All else is left as it is, tracks too.",
        )

    def follow(self, runs: list[Any], everything: list[Any]) -> None:
        """Draw runs; their ensembles are looked for among all runs of the study."""
        if runs != self._runs or everything != self._all:
            self._runs, self._all = runs, everything
            self._compute()

    def _compute(self, *_: Any) -> None:
        runs = [run for run in self._runs if not run.prior_type.constant]
        self.let_go()
        if not runs:
            self.results.objects = [empty("A constant prior answers to no annotation.")]
            return
        study, everything = self._study, self._all
        name = self.annotation.value
        by = None if self.by.value in (NONE, name) else self.by.value

        def compute() -> dict[str, xr.Dataset]:
            from deepwas_app.workflow.results.response import seed_ensemble

            found: dict[str, xr.Dataset] = {}
            drawn: list[list[Any]] = []
            for run in runs:
                ensemble = seed_ensemble(run, everything)
                if ensemble not in drawn:
                    found[store.run_name(run)] = store.response(study, run, ensemble, name, by)
                drawn.append(ensemble)
            return found

        def show(found: dict[str, xr.Dataset]) -> list[Any]:
            return self._figures(found, by is not None)

        self.later(self.results, compute, show, until="Averaging over variants…")

    def _figures(self, found: dict[str, xr.Dataset], two: bool) -> list[Any]:
        objects: list[Any] = []
        if not two:
            objects.append(plot(pictures.response_figure(found)))
        for run, one in found.items():
            if two:
                objects += self._surface(run, one)
            objects.append(_caption(text(_band_line(run, one))))
            objects.append(self._download(run, one))
        return objects

    def _surface(self, run: str, surface: xr.Dataset) -> list[Any]:
        heading = pmui.Typography(text(run), sx={"fontWeight": 600}, margin=(8, 0, 2, 0))
        if "binary" in surface.attrs["kinds"]:
            return [heading, plot(pictures.surface_lines(surface))]
        panels = [
            pmui.Column(
                _caption(words),
                plot(pictures.surface_map(surface, variable)),
                sizing_mode="stretch_width",
            )
            for variable, words in (
                ("effect", "Both together"),
                ("interaction", "Beyond the sum of what each does alone"),
            )
        ]
        return [heading, cells(*((panel, 6) for panel in panels), breakpoint="lg")]

    def _download(self, run: str, found: xr.Dataset) -> pmui.FileDownload:
        from deepwas_app.workflow.results.response import RESPONSE, response_table

        return table_download(
            f"Response of {run} (TSV)",
            f"{run}.response.tsv",
            RESPONSE,
            lambda: response_table(found),
        )


def _caption(words: str) -> pmui.Typography:
    return pmui.Typography(
        words, variant="body2", sx={"color": "text.secondary"}, margin=(2, 0, 0, 0)
    )


def _band_line(run: str, found: xr.Dataset) -> str:
    from deepwas_app.workflow.results.response import JACKKNIFE

    members, band = found.attrs["runs"], found.attrs["band"]
    if band == JACKKNIFE:
        return f"{run}: band of 95% by block jackknife."
    if len(members) == 1:
        return f"{run}: one seed, so no band. Train it again with other seeds for one."
    return (
        f"{run}: mean and range of {len(members)} runs that differ in their seed "
        f"({', '.join(members)}): what training leaves to chance, not the error of the GWAS."
    )
