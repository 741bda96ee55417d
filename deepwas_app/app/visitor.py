"""Who looks at a page, and whose jobs they may stop."""

import os

import panel as pn

from deepwas_app.app.requests import VISITOR


def visitor() -> str:
    """Who looks: the name they logged in by, else what their browser is told from others by.

    Empty where nothing is served, as in a notebook.
    """
    context = pn.state.curdoc.session_context if pn.state.curdoc else None
    if context is None:
        return ""
    return pn.state.user or pn.state.cookies.get(VISITOR) or str(context.id)


def may_stop(owner: str) -> bool:
    """Whether who looks may pause or stop a job: it is theirs, or the server is."""
    mine = visitor()
    if mine in ("", owner) or os.environ.get("DEEPWAS_OPEN_DISK"):
        return True
    owners = os.environ.get("DEEPWAS_OWNERS", "").split(os.pathsep)
    return pn.state.user is not None and pn.state.user in owners
