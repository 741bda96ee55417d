"""What people choose for the Locus page: runs, what is drawn of them, annotations, and tracks."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from deepwas_app.app import store
from deepwas_app.app.cards.region_box import icon_button
from deepwas_app.app.cards.run_choice import follow, run_select, runs_choice
from deepwas_app.app.components import cells
from deepwas_app.app.state import AppState
from deepwas_app.plots.arrangement import Arrangement
from deepwas_app.plots.locus_figure import LocusFigure
from deepwas_app.workflow.results.values import VALUES

SHOWN_ANNOTATIONS = 8
Change = Callable[[Arrangement, str], Arrangement]
CHANGES: tuple[tuple[str, str, Change], ...] = (
    ("Up", "arrow_upward", lambda now, name: now.moved(name, -1)),
    ("Down", "arrow_downward", lambda now, name: now.moved(name, 1)),
    ("Less tall", "unfold_less", lambda now, name: now.taller(name, -1)),
    ("Taller", "unfold_more", lambda now, name: now.taller(name, 1)),
)


class TrackList(pn.viewable.Viewer):
    """A row a track, from top to bottom: on show or not, taller or less tall, further up or down.

    A row is of whichever track stands there: Material widgets that are moved on a page lose their
    looks. The rows are made when they are first looked at.

    Parameters
    ----------
    state
        Its ``tracks`` is what is chosen.
    figure
        Has the tracks.
    """

    def __init__(self, state: AppState, figure: LocusFigure) -> None:
        super().__init__()
        self.state, self._figure = state, figure
        self.shown: list[pmui.Checkbox] = []
        self.buttons: list[dict[str, pmui.IconButton]] = []
        self._layout = pmui.Column(sizing_mode="stretch_width", margin=(6, 0))

    def fill(self) -> None:
        """Have the rows."""
        self._layout.objects = [self._row(place) for place in range(len(self._figure.tracks))]
        self.follow()

    def follow(self) -> None:
        """Say in the rows what stands there."""
        placed = self._figure.arrangement.tracks
        for track, shown, buttons in zip(placed, self.shown, self.buttons, strict=False):
            title = self._figure.tracks[track.name].title or track.name.capitalize()
            shown.param.update(
                label=title, value=track.shown, disabled=track.name == self._figure.always
            )
            for label, button in buttons.items():
                button.description = f"{label}: {title}"

    def _row(self, place: int) -> pmui.Row:
        shown = pmui.Checkbox(label="", value=True, width=190, margin=0)
        shown.param.watch(lambda event: self._show(place, event.new), "value")
        buttons = {
            label: icon_button(label, icon, partial(self._change, place, change))
            for label, icon, change in CHANGES
        }
        for button in buttons.values():
            button.margin = 0
        self.shown.append(shown)
        self.buttons.append(buttons)
        return pmui.Row(shown, *buttons.values(), margin=0)

    def _show(self, place: int, shown: bool) -> None:
        now = self._figure.arrangement
        self._take(now.with_shown(now.tracks[place].name, shown))

    def _change(self, place: int, change: Change, _: Any) -> None:
        now = self._figure.arrangement
        self._take(change(now, now.tracks[place].name))

    def _take(self, arrangement: Arrangement) -> None:
        self.state.tracks = arrangement.text(self._figure.tracks)

    def __panel__(self) -> pmui.Column:
        return self._layout


class LocusChoices(pn.viewable.Viewer):
    """The drawer of the Locus page; it is shut at first.

    Parameters
    ----------
    state
        The study and its runs.
    figure
        Whose tracks are arranged.
    changed
        What to call when another value, another prior or other annotations are chosen, by the
        name of the widget here.
    more
        What else stands in the drawer.
    """

    def __init__(
        self,
        state: AppState,
        figure: LocusFigure,
        changed: Mapping[str, Callable[[], None]],
        *more: Any,
    ) -> None:
        super().__init__()
        self.state, self._more = state, more
        wide: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (6, 0)}
        self.runs = runs_choice(state, **wide)
        self.runs.param.watch(lambda event: state.param.update(selected=list(event.new)), "value")
        self.value = pmui.Select(
            label="Track of the runs",
            options={value.label: name for name, value in VALUES.items()},
            value=next(iter(VALUES)),
            size="small",
            **wide,
        )
        self.prior = run_select("Prior to fine-map and explain", [], None)
        self._offer_priors()
        names = state.study["annotation"].values.astype(str).tolist()
        self.annotations = pmui.MultiChoice(
            label="Annotations",
            options=names,
            value=names[:SHOWN_ANNOTATIONS],
            visual_size="small",
            **wide,
        )
        self._first = ""
        self.put_first(state.annotation)
        self.tracks = TrackList(state, figure)
        for name, call in changed.items():
            getattr(self, name).param.watch(partial(_told, call), "value")
        self._layout = pmui.Column(visible=False, sizing_mode="stretch_width")

    def put_first(self, annotation: str) -> None:
        """Show this annotation, above the others; once, so that it can be taken away."""
        if annotation != self._first and annotation in self.annotations.options:
            others = [name for name in self.annotations.value or [] if name != annotation]
            self.annotations.value = [annotation, *others]
        self._first = annotation

    def follow(self) -> None:
        """Offer the runs that the state knows, and as priors those that it selects."""
        follow(self.runs, self.state)
        self._offer_priors()

    def chosen_prior(self) -> Any:
        """The run whose prior is fine-mapped and explained; None without one."""
        runs = {store.run_name(run): run for run in self.state.selected_runs()}
        return runs.get(self.prior.value)

    def toggle(self, _: Any = None) -> None:
        """Open the drawer, or shut it."""
        if not self._layout.objects:
            # Not before they are looked at: each widget delays the page.
            self.tracks.fill()
            chosen = pmui.Column(
                cells((self.runs, 12), (self.value, 6), (self.prior, 6), (self.annotations, 12)),
                *self._more,
                sizing_mode="stretch_width",
            )
            self._layout.objects = [cells((chosen, 8), (self.tracks, 4))]
        self._layout.visible = not self._layout.visible

    @property
    def open(self) -> bool:
        """Whether it is open."""
        return bool(self._layout.visible)

    def _offer_priors(self) -> None:
        """The best first where nothing else was chosen."""
        names = [store.run_name(run) for run in self.state.selected_runs()]
        best = store.run_name(self.state.best_run()) if names else None
        chosen = self.prior.value if self.prior.value in names else best
        if self.prior.options != names or self.prior.value != chosen:
            self.prior.param.update(options=names, value=chosen)

    def __panel__(self) -> pmui.Column:
        return self._layout


def _told(call: Callable[[], None], _: Any) -> None:
    call()
