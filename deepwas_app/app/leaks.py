"""Cleaning up after a session, where panel-material-ui and HoloViews panes do not.

In panel 1.9 and panel-material-ui 0.16 three things keep a closed page alive: its watcher on the
global busy flag, the HoloViews plots in it, and its entry among the views of the notifications.
The watcher goes as soon as the page is made: it would also send two messages at every tick.

References
----------
Busy flag: ``Page.__init__`` takes ``state.param.busy`` as a reference, since
https://github.com/panel-extensions/panel-material-ui/pull/235. Plots:
https://github.com/holoviz/panel/issues/8580 and https://github.com/holoviz/panel/pull/4116. Views:
https://github.com/holoviz/panel/issues/8605. tests/app/test_upstream.py fails when what is relied
on here changes.
"""

from collections.abc import Callable
from typing import Any

import panel as pn

from deepwas_app.app.poller import Poller


def busy_watchers() -> list[Any]:
    """Watchers of Panel's global busy flag, of all sessions."""
    return list(pn.state.param.watchers.get("busy", {}).get("value", []))


def without_busy(make: Callable[[], Any]) -> Any:
    """Make a page, and undo its watching of Panel's global busy flag."""
    before = busy_watchers()
    page = make()
    for watcher in busy_watchers():
        if watcher not in before:
            pn.state.param.unwatch(watcher)
    return page


def cleanup_plots(page: Any) -> None:
    """Let every HoloViews pane of a page drop its plots."""
    for pane in page.select(pn.pane.HoloViews):
        for plot, _ in list(pane._plots.values()):
            plot.cleanup()
        pane._plots.clear()


def forget_document(document: Any) -> None:
    """Drop a closed document's entries from Panel's views."""
    gone = [
        ref
        for ref, (_, root, doc, _) in list(pn.state._views.items())
        if doc is document or getattr(root, "document", None) is document
    ]
    for ref in gone:
        pn.state._views.pop(ref, None)


def close_session(page: Any, poller: Poller, document: Any) -> None:
    """Let go of all that a destroyed session leaves behind."""
    poller.stop()
    cleanup_plots(page)
    forget_document(document)
