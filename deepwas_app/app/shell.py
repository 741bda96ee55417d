"""The dashboard: its pages over one state, with navigation, job status and messages."""

import logging
from typing import Any

import panel as pn
import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import leaks, notebook
from deepwas_app.app.accessible import Accessible
from deepwas_app.app.browser import Connection, Idle, NumberWords, SystemTheme
from deepwas_app.app.components import trouble, waiting
from deepwas_app.app.guard import LayoutGuard
from deepwas_app.app.header import Header
from deepwas_app.app.jobs import JOBS
from deepwas_app.app.jobs_drawer import JobsDrawer
from deepwas_app.app.markup import text
from deepwas_app.app.notebook import Arrival
from deepwas_app.app.pages import PAGES
from deepwas_app.app.poller import Poller
from deepwas_app.app.state import AppState

logger = logging.getLogger(__name__)

# How many visitors a server may have that builds pages before they are asked for.
FEW = 3
BAR = "#173a6b"
THEME = {
    "light": {
        "palette": {
            "primary": {"main": "#1d4f91"},
            "background": {"paper": "#ffffff", "default": "#f6f8fb"},
        },
        "shape": {"borderRadius": 8},
        "typography": {"button": {"textTransform": "none"}},
        "chart_style": "standard",
    },
    "dark": {
        "palette": {
            "primary": {"main": "#7fb0ee"},
            "background": {"paper": "#14181f", "default": "#0f1217"},
        },
        "shape": {"borderRadius": 8},
        "typography": {"button": {"textTransform": "none"}},
        "chart_style": "standard",
    },
}


def make_page(name: str, state: AppState, poller: Poller, ahead: bool = False) -> Any:
    """One of the pages, over the state and with the timer of its dashboard.

    One that is built ahead of its time is not shown before it is turned to.
    """
    page = PAGES[name](state, poller=poller, active=not ahead)
    if ahead:
        page.draw(ahead=True)
    return page


class Dashboard(pn.viewable.Viewer):
    """The whole dashboard.

    Parameters
    ----------
    study
        A study, a built-in name, a path, or a state.
    """

    def __init__(self, study: "xr.Dataset | str | AppState | None" = None, **params: Any) -> None:
        super().__init__(**params)
        self.poller = Poller()
        self.poller.on_error = self._failed
        self.state = AppState.of(study)
        self.pages: dict[str, Any] = {}
        self._addresses = list(PAGES)
        self._slots = {
            name: pmui.Column(visible=False, sizing_mode="stretch_width")
            for name in self._addresses
        }
        self.menu = pmui.MenuList(
            label="Pages",
            items=[{"label": page.heading, "icon": page.icon} for page in PAGES.values()],
            active=(self._addresses.index(self.shown),),
            dense=False,
            margin=(8, 0),
            sizing_mode="stretch_width",
        )
        self.menu.param.watch(self._chosen, "active")
        self.drawer = JobsDrawer(self.state)
        self.header = Header(self.state, self.drawer, self._python)
        self.theme = SystemTheme(width=0, height=0, margin=0)
        self.idle = Idle(width=0, height=0, margin=0)
        self._moments = 0
        self.page = leaks.without_busy(self._make_page)
        self.page.param.watch(self._darkened, "dark_theme")
        self.state.dark = bool(self.page.dark_theme)
        self.state.param.watch(self._turned, "page")
        self.state.param.watch(self._show_notice, "notice")
        self.page.param.watch(lambda event: self.drawer.look(event.new), "contextbar_open")
        self.header.jobs.on_click(lambda _: self._toggle_drawer())
        self._system_dark = False
        self.poller.add(self.state.check_opening)
        self.poller.add(self.state.check_jobs)
        self.poller.add(self._follow_system)
        self.poller.add(self.header.refresh)
        self.poller.add(self.drawer.refresh)
        self.poller.add(self._build_shown)
        self.poller.add(self._build_ahead)
        self.turn_to(self.shown)

    @property
    def shown(self) -> str:
        """Address of the page on show: the first where the one asked for is of none."""
        return self.state.page if self.state.page in self._addresses else self._addresses[0]

    def turn_to(self, name: str) -> None:
        """Turn to a page; it is built at the next tick when it is first shown."""
        for other, slot in self._slots.items():
            slot.visible = other == name
            if other in self.pages:
                self.pages[other].active = other == name
        self._new = name not in self.pages
        if self._new:
            self._slots[name].objects = [waiting("Drawing…")]

    def _build_shown(self) -> None:
        if self._new:
            # Once a visit, also if it fails.
            self._new = False
            self._build(self.shown)

    def _build(self, name: str, ahead: bool = False) -> None:
        try:
            self.pages[name] = make_page(name, self.state, self.poller, ahead)
        except Exception as problem:
            line = f"This page could not be built: {type(problem).__name__}: {problem}"
            self._slots[name].objects = [trouble(line)]
            raise
        # Last: what changes while a page is on its way to the browser is an error there.
        self._slots[name].objects = [self.pages[name]]

    def _build_ahead(self) -> None:
        """Build another page where nobody waits for anything, so that it is there when wanted.

        A piece of it at a time, so that a turn that comes meanwhile has not long to wait.
        """
        if self.idle.moments == self._moments:
            return
        self._moments = self.idle.moments
        growing = [page for page in self.pages.values() if not page.whole]
        left = [name for name, slot in self._slots.items() if not slot.objects]
        self.idle.wanted = bool(growing or left)
        if self._new or self.poller.waiting or not few_visitors():
            return
        if growing:
            growing[0].add_piece()
        elif left:
            self._build(left[0], ahead=True)

    def close(self, document: Any = None) -> None:
        """Let go of everything, when the session is over."""
        leaks.close_session(self.page, self.poller, document)
        self.state.uploads.close()
        for page in self.pages.values():
            page.close()

    def _make_page(self) -> Any:
        return pmui.Page(  # type: ignore[attr-defined]  # named late, by its __getattr__
            title="DeepWAS Explorer",
            header=[self.header],
            sidebar=[self.menu],
            sidebar_width=200,
            contextbar=[self.drawer],
            contextbar_variant="temporary",
            contextbar_width=380,
            main=[
                LayoutGuard(width=0, height=0, margin=0),
                Accessible(width=0, height=0, margin=0),
                Arrival(width=0, height=0, margin=0),
                Connection(width=0, height=0, margin=0),
                NumberWords(lambda line: self.state.say(line, "warning")),
                self.theme,
                self.idle,
                self.header.dialog,
                pmui.Column(*self._slots.values(), sizing_mode="stretch_width", margin=(12, 20)),
            ],
            theme_config=THEME,
            busy_indicator=None,
            sx={
                "& .title": {"fontSize": "1.25rem", "fontWeight": 600},
                "& .MuiAppBar-root": {"backgroundColor": BAR, "backgroundImage": "none"},
                # Panel does not name it for screen readers, and the pages say what is going on.
                "& .MuiAppBar-root .MuiLinearProgress-root": {"display": "none"},
                "& .MuiAppBar-root .MuiIconButton-root": {"color": "white"},
                # The drawer has a button of its own, with a name that says what it is.
                "& .MuiAppBar-root [aria-label$='contextbar']": {"display": "none"},
            },
        )

    def _failed(self, problem: Exception) -> None:
        logger.error("an update of the page failed", exc_info=problem)
        self.state.say(f"Unexpected: {type(problem).__name__}: {problem}", "error")

    def _chosen(self, event: Any) -> None:
        active = event.new
        index = active[0] if isinstance(active, (tuple, list)) and active else active
        if isinstance(index, int) and self._addresses[index] != self.shown:
            self.state.page = self._addresses[index]

    def _turned(self, _: Any) -> None:
        self.menu.active = (self._addresses.index(self.shown),)
        self.turn_to(self.shown)

    def _darkened(self, event: Any) -> None:
        self.state.dark = bool(event.new)

    def _follow_system(self) -> None:
        """Be dark where the system is: at a tick, because a page on its way would be half dark."""
        if self.theme.dark != self._system_dark:
            self._system_dark = self.page.dark_theme = self.theme.dark

    def _toggle_drawer(self) -> None:
        self.page.contextbar_open = not self.page.contextbar_open

    def _python(self) -> str:
        page = self.pages.get(self.shown)
        return "" if page is None else page.python()

    def _show_notice(self, event: Any) -> None:
        if event.new is None:
            return
        severity, line = event.new
        # Toasts of panel-material-ui show what they are given as text.
        toasts = pn.state.notifications
        if toasts is None:
            logger.info("%s: %s", severity, line)
            return
        show = {"error": toasts.error, "warning": toasts.warning, "success": toasts.success}
        show.get(severity, toasts.info)(line, duration=12_000 if severity == "error" else 5_000)

    def __panel__(self) -> Any:
        self.poller.start()
        return self.page

    def _ipython_display_(self) -> None:
        notebook.show(self)


def few_visitors() -> bool:
    """Whether the server has time for what may not be wanted."""
    context = getattr(pn.state.curdoc, "session_context", None)
    server = getattr(context, "server_context", None)
    return server is not None and len(server.sessions) <= FEW and not JOBS.active()


def sync_address(state: AppState) -> None:
    """Keep what is on show in the browser's address, both ways: it can be sent to others."""
    if pn.state.location is None:
        return
    names = ("page", "region", "reference", "tracks", "tab", "annotation")
    renamed = {"study_key": "study", "selected": "runs", "references": "refs"}
    synced = {name: name for name in names} | renamed
    pn.state.location.sync(state, synced)


def error_page(problem: Exception) -> pmui.Column:
    """What people see in place of an endless spinner when the dashboard cannot be built."""
    return pmui.Column(
        pmui.Typography("DeepWAS Explorer could not start", variant="h1"),
        pmui.Alert(object=text(f"{type(problem).__name__}: {problem}"), severity="error"),
        pmui.Typography("The server's log has the details. Reload this page to try again."),
        margin=40,
    )
