"""The bar above every page: the study, the jobs, the address and the Python of the view."""

from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from deepwas_app.app import store
from deepwas_app.app.browser import copies_address, copies_tag
from deepwas_app.app.jobs import JOBS
from deepwas_app.app.jobs_drawer import JobsDrawer, headline
from deepwas_app.app.state import AppState

_WHITE = {"color": "white", "whiteSpace": "nowrap"}
# The label is outside of what sx reaches.
_LABEL = "label.MuiInputLabel-root, label.MuiInputLabel-root.Mui-focused {color: white !important}"
_ON_BAR = {
    "& .MuiInputBase-root, & .MuiSvgIcon-root": {"color": "white"},
    "& .MuiOutlinedInput-notchedOutline": {"borderColor": "rgba(255,255,255,0.35)"},
}


class Header(pn.viewable.Viewer):
    """Study chooser, jobs, *Copy link* and *Python*. ``refresh`` is called by the timer.

    Parameters
    ----------
    state
        What the session looks at.
    drawer
        Has the jobs that ended unseen.
    python
        Gives the lines that make the view on show.
    """

    def __init__(self, state: AppState, drawer: JobsDrawer, python: Callable[[], str]) -> None:
        super().__init__()
        self.state, self._drawer, self._python = state, drawer, python
        self._filling = False
        self.study = pmui.Select(
            label="Study",
            options={"": ""},
            value="",
            size="small",
            width=300,
            margin=(6, 12),
            sx=_ON_BAR,
            stylesheets=[_LABEL],
        )
        self.study.param.watch(self._chosen, "value")
        self.jobs = _button("Jobs", "work_history")
        # A long line leaves the buttons beside it on a narrow screen.
        self.jobs.param.update(sx=_WHITE | {"maxWidth": "28vw", "overflow": "hidden"})
        self.link = _button("Copy link", "link")
        copies_address(self.link)
        self.link.on_click(lambda _: state.say("The link to this view is copied.", "success"))
        self.code = _button("Python", "code")
        self.code.on_click(self._show_python)
        self.lines = pmui.TextAreaInput(
            label="In a notebook cell",
            value="",
            auto_grow=True,
            max_rows=16,
            sizing_mode="stretch_width",
            sx={"& textarea": {"fontFamily": "monospace", "fontSize": "0.85rem"}},
        )
        self.copy = pmui.Button(
            label="Copy", icon="content_copy", variant="outlined", size="small", tags=[""]
        )
        copies_tag(self.copy)
        self.dialog = pmui.Dialog(
            self.lines,
            self.copy,
            title="This view in Python",
            open=False,
            width_option="md",
            close_on_click=True,
            show_close_button=True,
        )
        self._layout = pmui.Row(
            self.study,
            pn.layout.HSpacer(),
            self.jobs,
            self.link,
            self.code,
            sizing_mode="stretch_width",
            align="center",
        )
        state.param.watch(self._offer, "study")
        self._offer()

    def refresh(self) -> None:
        """Say what is going on."""
        news = self._drawer.news
        line = headline(JOBS.active()) or "Jobs"
        line = line if len(line) < 70 else line[:68] + "…"
        label = f"{line} ({news} ended)" if news else line
        if self.jobs.label != label:
            self.jobs.label = label

    def _offer(self, *_: Any) -> None:
        known, key = store.known_studies(), self.state.shown_key
        if self.state.study is None:
            # A value that is not offered would become the first one, untold.
            known, key = {"Choose a study": ""} | known, ""
        elif key not in known.values():
            known[str(self.state.study.attrs.get("title", "")) or key or "This study"] = key
        self._filling = True
        self.study.param.update(options=known, value=key)
        self._filling = False

    def _chosen(self, event: Any) -> None:
        if not self._filling and event.new and event.new != self.state.shown_key:
            self.state.request(event.new)

    def _show_python(self, _: Any) -> None:
        self.lines.value = self._python()
        self.copy.param.update(tags=[self.lines.value])
        self.dialog.open = True

    def __panel__(self) -> pmui.Row:
        return self._layout


def _button(label: str, icon: str) -> pmui.Button:
    return pmui.Button(
        label=label,
        icon=icon,
        variant="text",
        size="small",
        margin=(0, 4),
        align="center",
        sx=_WHITE,
    )
