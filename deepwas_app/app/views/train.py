"""A training by itself: its loss and its held-out gain, as they come."""

from collections.abc import Generator
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from deepwas_app.app.views.base import WatchingView
from deepwas_app.plots.train import LiveCurves

NOTHING = "The curves of a fit appear here: view.follow(dw.fit(study))."


class TrainView(WatchingView):
    """The curves of one fit.

    Attributes
    ----------
    last
        The last step that has a model, for all that a run serves for; None before.

    Examples
    --------
    In a thread, so that the next cell can run at once, or in a loop of one's own:

    >>> view = TrainView()  # doctest: +SKIP
    >>> view.follow(dw.fit("height_chr22", "mlp"))  # doctest: +SKIP
    >>> for step in dw.fit("height_chr22", "mlp"):  # doctest: +SKIP
    ...     view.add(step)
    """

    step = param.Integer(0, doc="The last step that was shown.")
    held_out_gain = param.Number(None, allow_None=True, doc="Newest one, nats per variant.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.last: Any = None
        self.curves = LiveCurves()
        self._line = pmui.Typography(NOTHING, variant="body2", margin=(0, 0, 4, 0))
        figures = [
            pn.pane.Bokeh(figure, sizing_mode="stretch_width", margin=0)
            for figure in (self.curves.loss, self.curves.gain)
        ]
        self._content.objects = [self.progress, self._line, *figures]

    def follow(self, steps: Generator[Any, None, Any], title: str = "Fit") -> None:
        """Fit in a thread, and show it; the prompt is free at once. See `WatchingView.follow`."""
        super().follow(steps, title)

    def clear(self) -> None:
        """Forget what was shown."""
        self._forget()

    def _light(self, steps: Generator[Any, None, Any]) -> Generator[Any, None, Any]:
        """The steps without their models, but for the last."""
        try:
            for step in steps:
                yield self._noted(step)
        finally:
            steps.close()

    def _noted(self, step: Any) -> Any:
        if step.finished:
            self.last = step
        return step.light()

    def _forget(self) -> None:
        self.last = None
        self.param.update(step=0, held_out_gain=None)
        self.curves.clear()
        self._line.object = NOTHING

    def _take(self, steps: list[Any]) -> None:
        self.curves.extend(steps)
        gains = [step.held_out_gain for step in steps if step.held_out_gain is not None]
        newest = {"held_out_gain": gains[-1]} if gains else {}
        self.param.update(step=steps[-1].step, **newest)
        if self.progress.job is None:
            self._line.object = f"{steps[-1].message}, step {steps[-1].step:,}"
        elif self._line.object:
            self._line.object = ""

    def add(self, step: Any) -> None:
        """Show one step more, from whichever thread; see `WatchingView.add`."""
        super().add(self._noted(step))
