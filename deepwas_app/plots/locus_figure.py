"""The locus figure: tracks over one shared position axis."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bokeh.events import RangesUpdate
from bokeh.models import (
    BoxZoomTool,
    CrosshairTool,
    NumeralTickFormatter,
    PanTool,
    Range1d,
    ResetTool,
    SaveTool,
    WheelZoomTool,
)
from bokeh.models.annotations import Span
from bokeh.plotting import figure

from deepwas_app.plots.arrangement import Arrangement
from deepwas_app.plots.theme import GREY
from deepwas_app.plots.track import Locus, Track
from deepwas_app.plots.tracks import TRACKS

LEFT_BORDER, RIGHT_BORDER = 164, 20
# Pixels of the position axis, which is below the last track.
AXIS = 44


class LocusFigure:
    """Association, prior heritability, PIPs, annotations, genes and what other tracks there are.

    The figures are made once; another region, reference variant or run only changes their data.

    Attributes
    ----------
    tracks
        All tracks by name, from top to bottom.
    x_range
        The shared range, Mb.
    arrangement
        Which of them are on show, in which order, and how tall.
    locus
        What was drawn last; None before the first time.
    """

    def __init__(self) -> None:
        self.x_range = Range1d(start=0, end=1, min_interval=0.001)
        self.tracks: dict[str, Track] = {name: TRACKS[name](self._figure) for name in TRACKS}
        self.arrangement = Arrangement.read("", self.tracks)
        self.locus: Locus | None = None
        self._width = 0
        crosshair = Span(dimension="height", line_color=GREY, line_dash="dotted", line_width=1)
        # Shared tools: what is switched on in the first figure's toolbar holds for all of them.
        pan = PanTool(dimensions="width")
        # The wheel zooms in the first track. Over the others it moves the page, unless Ctrl is held
        # or fingers are pinched: tracks fill the screen, and the page could not be left.
        zoom = WheelZoomTool(dimensions="width")
        pinch = WheelZoomTool(dimensions="width", modifiers={"ctrl": True}, visible=False)
        every = [drawn for track in self.tracks.values() for drawn in track.figures]
        self._first = every[0]
        for drawn in every:
            wheel = zoom if drawn is self._first else pinch
            drawn.add_tools(pan, wheel, CrosshairTool(overlay=crosshair))
            drawn.toolbar.update(active_drag=pan, active_scroll=wheel)
        self._first.toolbar_location = "above"
        self._first.toolbar.logo = None
        self._first.add_tools(
            BoxZoomTool(dimensions="width"), ResetTool(), SaveTool(filename="locus")
        )

    @property
    def values(self) -> set[str]:
        """Names of the values per variant that tracks draw, beside the chosen one."""
        return {name for track in self.tracks.values() for name in track.values}

    @property
    def figures(self) -> list[figure]:
        """The figures that have something to show, from top to bottom; their edges agree.

        Empty ones are left out, not hidden: Bokeh cannot lay out a figure that starts invisible.
        """
        if self.locus is None:
            return []
        wanted = [self.tracks[t.name] for t in self.arrangement.tracks if t.shown]
        return [drawn for track in wanted if track.shown(self.locus) for drawn in track.figures]

    @property
    def always(self) -> str:
        """Name of the track that is always on show: it has the tools of all of them."""
        return next(iter(self.tracks))

    def arrange(self, words: str) -> None:
        """Show, hide and order the tracks as a text says, see `Arrangement`."""
        self.arrangement = Arrangement.read(words, self.tracks, self.always)
        self._lay_out()

    def draw(self, **changes: Any) -> None:
        """Draw a locus, or what is new of the one on show.

        Parameters
        ----------
        **changes
            Fields of `Locus`; the first time all of them that have no default.
        """
        if self.locus is None:
            self.locus = Locus(width=self._width, **changes)
        else:
            self.locus = replace(self.locus, **changes)
        for track in self.tracks.values():
            if track.needs & changes.keys():
                track.draw(self.locus)
        if "region" in changes:
            region = self.locus.region
            self.x_range.update(start=region.start / 1e6, end=region.stop / 1e6)
        self._lay_out()

    def on_tap(self, callback: Callable[[int], None]) -> None:
        """Call ``callback(row)`` when a variant is clicked; ``row`` counts the study's variants."""
        for track in self.tracks.values():
            track.on_tap(callback)

    def on_pan(self, callback: Callable[[float, float], None]) -> None:
        """Call ``callback(start, stop)`` (Mb) when the axis was panned or zoomed."""
        self._first.on_event(RangesUpdate, lambda event: callback(event.x0, event.x1))

    def set_dark(self, dark: bool) -> None:
        """Take the ink of the light or the dark page for the text that is drawn inside."""
        for track in self.tracks.values():
            track.set_dark(dark)

    def widen(self, pixels: int) -> None:
        """Take in how wide the figures are on the screen."""
        self._width = max(pixels - LEFT_BORDER - RIGHT_BORDER, 100)
        if self.locus is not None and self._width != self.locus.width:
            self.draw(width=self._width)

    def _lay_out(self) -> None:
        """Give the tracks their heights, and the last of them the position axis."""
        figures, locus = self.figures, self.locus
        if locus is None:
            return
        build = str(locus.study.attrs.get("genome_build", ""))
        units = f"Mb, {build}" if build else "Mb"
        for placed in self.arrangement.tracks:
            track = self.tracks[placed.name]
            for drawn in track.figures:
                last = drawn is figures[-1]
                drawn.height = round(track.height * placed.factor) + AXIS * last
                drawn.xaxis.visible = last
                drawn.xaxis.axis_label = (
                    f"Position on chromosome {locus.region.chromosome} ({units})"
                )

    def _figure(self, height: int, label: str) -> figure:
        track = figure(
            height=height,
            x_range=self.x_range,
            y_range=Range1d(start=0, end=1),
            tools="",
            toolbar_location=None,
            y_axis_label=label,
            min_border_left=LEFT_BORDER,
            min_border_right=RIGHT_BORDER,
            min_border_top=8,
            min_border_bottom=4,
            sizing_mode="stretch_width",
            output_backend="canvas",
        )
        track.xaxis.visible = False
        track.xaxis.formatter = NumeralTickFormatter(format="0.[000]")
        track.ygrid.grid_line_color = None
        return track
