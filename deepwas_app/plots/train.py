"""Training curves: of finished runs as HoloViews, of a running job as a figure that streams."""

from collections.abc import Iterable, Mapping
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, DataRange1d, HoverTool
from bokeh.models.annotations import Span
from bokeh.plotting import figure

from deepwas_app.intervals import interval
from deepwas_app.plots.theme import (
    BLUE,
    GREY,
    ORANGE,
    finished,
    hover_options,
    printed,
    run_colour,
)

MILLI = 1e3
LOSS = "Training loss (nats/variant)"
GAIN = "Gain (10⁻³ nats/variant)"
FRAME = "frame"


def held_out_gain(metrics: Mapping[str, pd.DataFrame]) -> hv.Overlay:
    """Held-out log-likelihood gain over the constant prior, of finished runs.

    Parameters
    ----------
    metrics
        By run name: a table with ``step``, ``held_out_gain`` and, where known,
        ``held_out_gain_se`` (nats per variant); its attribute ``blocks`` is the number of LD
        blocks that were held out.

    Returns
    -------
    holoviews.Overlay
        One curve per run, with 95% intervals where errors are known, and the line at 0, in
        milli-nats per variant.
    """
    hover = [
        ("Run", "@run"),
        ("Step", "@step{0,0}"),
        (GAIN, "@milli{%.4g}"),
        ("95% interval", "@low{%.4g} to @high{%.4g}"),
    ]
    layers: list[hv.Element] = [hv.HLine(0.0).opts(color=GREY, line_width=1, line_dash="dashed")]
    for run, table in metrics.items():
        seen = table.reindex(columns=["step", "held_out_gain", "held_out_gain_se"]).astype(float)
        seen = seen.dropna(subset=["held_out_gain"])
        value, error = (MILLI * seen[name] for name in ("held_out_gain", "held_out_gain_se"))
        low, high = interval(value, error, table.attrs.get("blocks"))
        drawn = pd.DataFrame(
            {"step": seen["step"], "milli": value, "low": low, "high": high, "run": run}
        )
        colour = run_colour(run)
        layers += [
            hv.Segments(drawn.dropna(), ["step", "low", "step", "high"], label=run).opts(
                color=colour, alpha=0.5
            ),
            hv.Curve(drawn, "step", "milli", label=run).opts(color=colour, line_width=1.8),
            hv.Points(drawn, ["step", "milli"], ["run", "low", "high"], label=run).opts(
                color=colour, size=5, **hover_options(hover)
            ),
        ]
    return finished(
        hv.Overlay(layers),
        260,
        xlabel="Step",
        ylabel=GAIN,
        show_legend=len(metrics) > 1,
        legend_position="bottom_right",
    )


class LiveCurves:
    """Two figures that grow while a model trains.

    Attributes
    ----------
    loss, gain
        The figures: training loss, and held-out gain over the constant prior with 95% intervals.
    loss_source, gain_source
        What they draw: ``step``, ``value`` and, for the gain, ``low`` and ``high``. The loss of a
        mini-batch says more about its LD blocks than about the model, so the loss has one point
        per pass over all of them: their mean.
    """

    def __init__(self) -> None:
        self.loss_source = ColumnDataSource({"step": [], "value": []})
        self.gain_source = ColumnDataSource({"step": [], "value": [], "low": [], "high": []})
        self._pass: list[float] = []
        self._epoch = self._last_step = 0
        self.loss, self.gain = _panel(LOSS, (0.0, 1.0)), _panel(GAIN, (-1.0, 1.0))
        self.loss.line("step", "value", source=self.loss_source, color=BLUE, line_width=2)
        losses = self.loss.scatter(
            "step", "value", source=self.loss_source, color=BLUE, size=6, name="loss"
        )
        self.gain.add_layout(
            Span(location=0, dimension="width", line_color=GREY, line_dash="dashed", line_width=1)
        )
        self.gain.segment(
            "step", "low", "step", "high", source=self.gain_source, color=ORANGE, alpha=0.5
        )
        self.gain.line("step", "value", source=self.gain_source, color=ORANGE, line_width=2)
        gains = self.gain.scatter(
            "step", "value", source=self.gain_source, color=ORANGE, size=6, name="gain"
        )
        for plot, dots, name in ((self.loss, losses, "loss"), (self.gain, gains, "gain")):
            tips = [("step", "@step{0,0}"), (name, "@value{%.6g}")]
            plot.add_tools(
                HoverTool(renderers=[dots], tooltips=tips, formatters=printed(tips), mode="vline")
            )

    def clear(self) -> None:
        """Empty both figures, before another job is shown."""
        self.loss_source.data = {"step": [], "value": []}
        self.gain_source.data = {"step": [], "value": [], "low": [], "high": []}
        self._pass, self._epoch, self._last_step = [], 0, 0
        for plot in (self.loss, self.gain):
            _frame(plot).visible = True

    def extend(self, steps: Iterable[Any]) -> None:
        """Add training steps, in one message per figure.

        Parameters
        ----------
        steps
            Objects with ``step``, ``epoch``, ``train_loss``, ``held_out_gain`` (nats per variant
            or None), ``held_out_gain_se``, and ``test_blocks`` that these rest on.
        """
        loss: dict[str, Any] = {"step": [], "value": []}
        gain: dict[str, Any] = {"step": [], "value": [], "low": [], "high": []}
        for step in steps:
            if step.epoch != self._epoch:
                self._end_pass(loss)
                self._epoch = step.epoch
            if np.isfinite(step.train_loss):
                self._pass.append(float(step.train_loss))
                self._last_step = step.step
            if step.held_out_gain is not None:
                value, error = MILLI * step.held_out_gain, step.held_out_gain_se or np.nan
                low, high = interval(value, MILLI * error, len(step.test_blocks))
                gain["step"].append(step.step)
                gain["value"].append(value)
                gain["low"].append(low)
                gain["high"].append(high)
                # Held-out likelihood is measured at the end of a pass.
                self._end_pass(loss)
        for plot, source, new in (
            (self.loss, self.loss_source, loss),
            (self.gain, self.gain_source, gain),
        ):
            if new["step"]:
                source.stream(new)
                _frame(plot).visible = False

    def _end_pass(self, loss: dict[str, Any]) -> None:
        if self._pass:
            loss["step"].append(self._last_step)
            loss["value"].append(sum(self._pass) / len(self._pass))
            self._pass = []


def _panel(label: str, ends: tuple[float, float]) -> figure:
    plot = figure(
        height=260,
        sizing_mode="stretch_width",
        x_axis_label="Step",
        y_axis_label=label,
        x_range=DataRange1d(only_visible=True),
        y_range=DataRange1d(only_visible=True),
        tools="pan,box_zoom,reset,save",
        toolbar_location="right",
        min_width=260,
    )
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    plot.min_border_right = 16
    # Points that nobody sees, for without any there are no axes.
    plot.scatter([0, 100], list(ends), alpha=0, name=FRAME)
    return plot


def _frame(plot: figure) -> Any:
    return next(renderer for renderer in plot.renderers if renderer.name == FRAME)
