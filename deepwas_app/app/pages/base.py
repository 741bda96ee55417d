"""What all pages share: a state, a guarded build, and messages."""

import logging
from typing import Any, ClassVar

import panel_material_ui as pmui
import param
import xarray as xr

from deepwas_app.app.asking import Asker, alone
from deepwas_app.app.components import empty, title, trouble, waiting
from deepwas_app.app.markup import text
from deepwas_app.app.poller import Poller
from deepwas_app.app.state import AppState
from deepwas_app.errors import InputError
from deepwas_app.spelling import Spelt

logger = logging.getLogger(__name__)


class Page(Spelt, Asker):
    """A page over a state.

    Parameters
    ----------
    study
        A study, a built-in name, a path, or a state that several pages share.
    poller
        The session's timer; a page alone makes its own.
    """

    address: ClassVar[str] = ""
    """What the browser's address calls it."""
    icon: ClassVar[str] = "article"
    """Name of a Material icon."""
    order: ClassVar[int] = 100
    """Where it stands in the menu; the smallest is first."""
    jobs: ClassVar[tuple[str, ...]] = ()
    """Kinds of jobs that are started there."""
    heading: ClassVar[str] = ""
    intro: ClassVar[str] = ""

    active = param.Boolean(default=True, doc="Whether the page is on show; others draw later.")

    def __init__(
        self,
        study: "xr.Dataset | str | AppState | None" = None,
        *,
        poller: Poller | None = None,
        **params: Any,
    ) -> None:
        super().__init__(poller or Poller(), **params)
        self.alone = poller is None
        self._content = pmui.Column(sizing_mode="stretch_width")
        self._notice = pmui.Alert(visible=False, sizing_mode="stretch_width", closeable=True)
        self._drawn: Any = None
        self._built = False
        self._rest: list[Any] = []
        self._seen: Any = None
        self._highlighted = ""
        self.state = self._open(study)
        self._layout = pmui.Column(
            *(alone() if self.alone else []),
            title(self.heading, self.intro),
            self._notice,
            self._content,
            sizing_mode="stretch_width",
            margin=(0, 0, 24, 0),
        )
        self._watchers = [
            self.state.param.watch(self._follow, ["study", "opening", "runs", "selected"]),
            self.state.param.watch(self._follow, "annotation"),
            self.state.param.watch(self._show_notice, "notice"),
        ]
        if self.alone:
            self.poller.add(self.state.check_jobs)
        self.poller.add(self._tick)
        if self.active:
            self.draw()

    def _open(self, study: "xr.Dataset | str | AppState | None") -> AppState:
        try:
            return AppState.of(study)
        except InputError as problem:
            state = AppState()
            self._notice.param.update(object=text(problem), severity="error")
            self._notice.visible = True
            return state

    def build(self, study: xr.Dataset) -> list[Any]:
        """The page's content for a study. Subclasses say what."""
        raise NotImplementedError

    def build_without_study(self) -> list[Any]:
        """What to show while no study is open."""
        if self.state.opening is not None:
            return [waiting("Opening the study…")]
        return [empty("No study is open. Open one on the Study page.")]

    def draw(self, ahead: bool = False) -> None:
        """Build the content; a problem becomes a message in its place.

        Where it is built ahead of its time, none of it is on the page before `add_piece` or until
        the page is turned to.
        """
        self.let_go()
        study = self.state.study
        self._drawn, self._built = study, False
        self._seen = self.state.runs, self.state.selected
        self._highlighted = self.state.annotation
        try:
            with self._making():
                objects = self.build_without_study() if study is None else self.build(study)
            self._built = study is not None
        except InputError as problem:
            objects = [trouble(str(problem))]
        except Exception as problem:
            logger.exception("the page %s could not be built", self.heading)
            objects = [
                trouble(f"This page could not be built: {type(problem).__name__}: {problem}")
            ]
        self._rest = objects if ahead else []
        self._content.objects = [] if ahead else objects

    @property
    def whole(self) -> bool:
        """Whether all that was built is on the page."""
        return not self._rest

    def add_piece(self) -> None:
        """Put one piece more of what was built ahead on the page."""
        self._content.objects = [*self._content.objects, *self._rest[:1]]
        self._rest = self._rest[1:]

    def follow_runs(self) -> None:
        """Take in other runs or another selection; subclasses that show runs say how."""

    def follow_annotation(self) -> None:
        """Show the variants of the chosen annotation; subclasses that show variants say how."""

    def tick(self) -> None:
        """Called ten times a second while ``ready()``; for subclasses that watch jobs."""

    def remembered(self) -> dict[str, Any]:
        """What of the state makes this view, beside the study; subclasses say what."""
        return {"selected": list(self.state.selected)} if self.state.selected else {}

    def python(self) -> str:
        """The lines that make this view in a notebook."""
        key = self.state.shown_key
        study = repr(key) if key else "study"
        lines = [f"page = dw.{type(self).__name__}({study})"]
        lines += [f"page.state.{name} = {value!r}" for name, value in self.remembered().items()]
        return "\n".join(["import deepwas_app as dw", "", *lines, "page"])

    def ready(self) -> bool:
        """Whether the content is there, and is of the study that is open."""
        return self._built and self._drawn is self.state.study

    def _tick(self) -> None:
        if self.ready():
            self.tick()

    def close(self) -> None:
        """Let go of the state, when the session is over."""
        self.let_go()
        for watcher in self._watchers:
            self.state.param.unwatch(watcher)
        self._content.objects = []

    @param.depends("active", watch=True)
    def _follow(self, *_: Any) -> None:
        """Catch up with the state: at once on show, else when the page is turned to."""
        if not self.active:
            return
        if self._rest:
            self._content.objects = [*self._content.objects, *self._rest]
            self._rest = []
        now = self.state.runs, self.state.selected
        if not self.ready():
            # Another study, or none yet and perhaps one on its way, or what failed before.
            self.draw()
        elif now != self._seen:
            self._seen = now
            self.follow_runs()
        if self.ready() and self._highlighted != self.state.annotation:
            self._highlighted = self.state.annotation
            self.follow_annotation()

    def _show_notice(self, event: Any) -> None:
        if event.new is None or not self.alone:
            return
        severity, line = event.new
        self._notice.param.update(object=text(line), severity=severity, closed=False)
        self._notice.visible = True

    def __panel__(self) -> pmui.Column:
        if self.alone:
            self.poller.start()
        return self._layout
