"""Serving the dashboard: a session's start and end, and the command that listens."""

import logging
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import panel as pn

from deepwas_app.app.pages import PAGES
from deepwas_app.app.shell import Dashboard, error_page, sync_address
from deepwas_app.app.state import AppState
from deepwas_app.errors import InputError
from deepwas_app.workflow.settings import ServeSettings

logger = logging.getLogger(__name__)

# A path is one long word.
TOASTS = """
.notistack-SnackbarContainer .MuiAlert-root { max-width: min(640px, calc(100vw - 4em)); }
.notistack-SnackbarContainer .MuiAlert-message { min-width: 0; overflow-wrap: anywhere; }
"""
FIRST_STUDY = "height_chr22"


def show_exception(problem: Exception) -> None:
    """Show what a callback raised as a message, and keep it in the log."""
    if not isinstance(problem, InputError):
        logger.error("a callback failed", exc_info=problem)
    if pn.state.notifications is not None:
        known = isinstance(problem, InputError)
        pn.state.notifications.error(
            str(problem) if known else f"Unexpected: {type(problem).__name__}: {problem}",
            duration=12_000,
        )


def first_study() -> str:
    """The study that a new session opens: the first that was named, else the built-in one."""
    named = [p for p in os.environ.get("DEEPWAS_STUDIES", "").split(os.pathsep) if p]
    return named[0] if named else FIRST_STUDY


def follow_address(state: AppState) -> None:
    """Open the study that the browser's address names, if it is not the one on show."""
    if state.study_key and state.study_key != state.shown_key:
        state.request(state.study_key)


def close_with_session(shell: Dashboard) -> None:
    """Clean up after a dashboard when its browser is gone."""
    document = pn.state.curdoc
    if document is not None and document.session_context:
        pn.state.on_session_destroyed(lambda _: shell.close(document))


def dashboard() -> Any:
    """Build the dashboard of a session; a problem becomes a page that says so."""
    pn.extension(
        "tabulator", notifications=True, exception_handler=show_exception, raw_css=[TOASTS]
    )
    try:
        state = AppState()
        sync_address(state)
        shell = Dashboard(state)
        state.request(state.study_key or first_study())
        state.param.watch(lambda _: follow_address(state), "study_key")
        close_with_session(shell)
        return shell
    except Exception as problem:
        logger.exception("the dashboard could not be built")
        return error_page(problem)


def serve_session() -> None:
    """Put the dashboard on the served page."""
    pn.panel(dashboard()).servable(title="DeepWAS Explorer")


def import_what_is_slow() -> None:
    """Import now what the pages need later, so that the first visitor does not wait for it."""
    from deepwas_app.workflow.results import effects, finemap, response  # noqa: F401
    from deepwas_app.workflow.runs import sweep  # noqa: F401

    list(PAGES)


def serve(
    studies: Sequence[str] = (),
    port: int = ServeSettings.port,
    address: str = ServeSettings.address,
    data_root: str | None = None,
) -> None:
    """Serve the dashboard until it is interrupted.

    Parameters
    ----------
    studies
        Studies to offer; the first is opened.
    port, address
        Where to listen.
    data_root
        Folder for runs, uploads and studies that are built in the browser.

    Raises
    ------
    InputError
        If a study is not there, or the port is taken.
    """
    from deepwas_app.workflow.studies.builtin import builtin_studies

    for study in studies:
        if study not in builtin_studies() and not Path(study).is_dir():
            raise InputError(f"{study}: no such study. Check the path, or name a built-in study.")
    if studies:
        os.environ["DEEPWAS_STUDIES"] = os.pathsep.join(studies)
    if data_root:
        os.environ["DEEPWAS_DATA_ROOT"] = data_root
    import_what_is_slow()
    names = {address, "localhost", "127.0.0.1", socket.gethostname()}
    print(f"DeepWAS Explorer: http://{address}:{port}")
    try:
        pn.serve(
            dashboard,
            port=port,
            address=address,
            websocket_origin=[f"{name}:{port}" for name in sorted(names)],
            title="DeepWAS Explorer",
            show=False,
            verbose=False,
        )
    except OSError as problem:
        raise InputError(
            f"{address}:{port}: cannot listen there ({problem.strerror}). Choose another --port."
        ) from None
