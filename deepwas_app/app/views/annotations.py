"""What runs say of annotations, by itself: effects, enrichment, or how the prior answers to one."""

from collections.abc import Sequence
from typing import Any

import panel_material_ui as pmui
import param
import xarray as xr

from deepwas_app import plot as pictures
from deepwas_app.app.components import empty, plot
from deepwas_app.app.views.base import View
from deepwas_app.plot.runs import of_each
from deepwas_app.plots import annotations as drawn
from deepwas_app.workflow.results.annotation_effects import annotation_effects
from deepwas_app.workflow.results.locus import RunLike, opened_all, opened_runs
from deepwas_app.workflow.studies.builtin import StudyLike, open_study


class AnnotationView(View):
    """Annotations under one run or several, with 95% intervals.

    Made of a study, open or by path, and runs of it, open, by path, or last steps of fits.

    Examples
    --------
    >>> view = AnnotationView("height_chr22", [run])  # doctest: +SKIP
    >>> view.measure, view.annotation = "response", "Minor allele frequency"  # doctest: +SKIP
    """

    runs = param.List(default=[], doc="Whose annotations are shown.")
    measure: param.Selector[str] = param.Selector(
        default="effects",
        objects=["effects", "enrichment", "response"],
        doc="What is shown of them.",
    )
    annotation: param.Selector[str] = param.Selector(
        objects=[""], doc="The one that the prior answers to."
    )
    per_unit = param.Boolean(False, doc="Effects per unit of an annotation, not per s.d.")

    def __init__(self, study: StudyLike, runs: Sequence[RunLike] | RunLike = (), **params: Any):
        self.study = open_study(study)
        names = self.study["annotation"].values.astype(str).tolist()
        super().__init__(runs=opened_runs(runs))
        self.param["annotation"].objects = names
        self.param.update({"annotation": names[0] if names else ""} | params)
        self._effects: dict[str, xr.Dataset] = {}
        self._of: list[Any] = []
        small: dict[str, Any] = {"size": "small", "margin": (4, 8, 4, 0)}
        self._measure = pmui.RadioButtonGroup.from_param(self.param["measure"], **small)
        self._unit = pmui.Switch.from_param(self.param["per_unit"], label="Per unit", margin=8)
        self._annotation = pmui.Select.from_param(
            self.param["annotation"], label="Annotation", width=260, **small
        )
        self._stage = pmui.Column(sizing_mode="stretch_width")
        self._content.objects = [
            pmui.FlexBox(self._measure, self._unit, self._annotation, align_items="center"),
            self._stage,
        ]
        self.param.watch(self._draw, ["runs", "measure", "annotation", "per_unit"])
        self._draw()
        if self.runs:
            # At once: a saved notebook keeps what was there when the cell ended.
            self.let_go()
            self._stage.objects = [self._compute()()]

    def _draw(self, *_: Any) -> None:
        self._unit.visible = self.measure == "effects"
        self._annotation.visible = self.measure == "response"
        if not self.runs:
            self._stage.objects = [empty("No run yet: view.runs = [run].")]
            return
        until = "Computing…"
        self.later(self._stage, self._compute, lambda show: show(), until=until)

    def _compute(self) -> Any:
        """What draws it; in a thread."""
        study, runs = opened_all(self.study, self.runs)
        if self.measure == "response":
            answer = pictures.response(study, runs, self.annotation)
            return lambda: plot(answer)
        if self._of != runs:
            self._effects, self._of = of_each(study, runs, annotation_effects), runs
        effects = {n: found for n, found in self._effects.items() if not found.attrs["constant"]}
        if not effects:
            return lambda: empty("A constant prior has every variant alike.")
        if self.measure == "effects":
            return lambda: plot(drawn.effect_forest(effects, self.per_unit))
        return lambda: plot(drawn.enrichment_forest(effects))
