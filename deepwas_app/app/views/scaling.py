"""A sweep over sizes by itself: held-out gain against the number of parameters."""

from typing import Any

import panel_material_ui as pmui
import param

from deepwas_app.app.components import empty, plot
from deepwas_app.app.markup import text
from deepwas_app.app.views.base import WatchingView
from deepwas_app.core.objectives import OBJECTIVES
from deepwas_app.plots.scaling import scaling_curve
from deepwas_app.workflow.results.scaling import summary
from deepwas_app.workflow.runs.sweep import Sweep


class ScalingView(WatchingView):
    """The curve of one sweep: what ``dw.scaling`` gave, or one that goes on.

    Examples
    --------
    >>> view = ScalingView()  # doctest: +SKIP
    >>> view.follow(dw.scaling.steps("height_chr22", path="sweep"))  # doctest: +SKIP
    """

    sweep = param.Parameter(None, doc="What was found so far, as dw.scaling gives it.")
    objectives = param.ListSelector(default=[], objects=[], doc="Objectives on show, by label.")

    def __init__(self, sweep: Sweep | None = None, **params: Any) -> None:
        super().__init__(**params)
        self._choice = pmui.CheckButtonGroup.from_param(
            self.param["objectives"], size="small", margin=(4, 0), visible=False
        )
        self._said = pmui.Typography("", variant="body2", margin=(4, 0))
        self._stage = pmui.Column(sizing_mode="stretch_width")
        self._content.objects = [self.progress, self._choice, self._stage, self._said]
        self.param.watch(self._draw, ["sweep", "objectives"])
        self.sweep = sweep
        if sweep is None:
            self._draw()

    def _forget(self) -> None:
        self.sweep = None

    def _take(self, steps: list[Any]) -> None:
        self.sweep = steps[-1].found

    def _draw(self, *events: Any) -> None:
        found = self.sweep
        if found is None or not len(found.table):
            self._said.object, self._choice.visible = "", False
            self._stage.objects = [empty("Fits appear here as they finish.")]
            return
        names = [OBJECTIVES[name].label for name in dict.fromkeys(found.table["objective"])]
        knob = self.param["objectives"]
        if list(knob.objects) != names:
            knob.objects = names
            # Draws it, where that is a change.
            with param.parameterized.discard_events(self):
                self.objectives = names
            self._choice.param.update(options=names, value=names, visible=len(names) > 1)
        said = summary(found)
        shown = self.objectives or names
        fits, means = (table[table["objective"].isin(shown)] for table in (said.fits, said.means))
        self._stage.objects = [plot(scaling_curve(fits, means, said.truth))]
        self._said.object = text(said.chosen)
