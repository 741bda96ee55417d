"""Serving the dashboard: a session's start and end, and the command that listens."""

import gc
import ipaddress
import itertools
import json
import logging
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import panel as pn
from tornado.ioloop import IOLoop

from deepwas_app.app import store
from deepwas_app.app.jobs import JOBS
from deepwas_app.app.pages import PAGES
from deepwas_app.app.requests import protect
from deepwas_app.app.shell import Dashboard, error_page, sync_address
from deepwas_app.app.state import AppState
from deepwas_app.errors import InputError
from deepwas_app.genetics.files import existing
from deepwas_app.workflow.settings import ServeSettings
from deepwas_app.workflow.settings.keywords import knobs

logger = logging.getLogger(__name__)

# A path is one long word.
TOASTS = """
.notistack-SnackbarContainer .MuiAlert-root { max-width: min(640px, calc(100vw - 4em)); }
.notistack-SnackbarContainer .MuiAlert-message { min-width: 0; overflow-wrap: anywhere; }
"""
FIRST_STUDY = "height_chr22"
HERE = Path(__file__).parent
# Seconds in which a browser should have loaded the page.
PATIENCE = 90.0
# Among the origins: clients that are no browser, and name none.
NO_ORIGIN = "none"


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
    return next(iter(store.named_studies()), FIRST_STUDY)


def follow_address(state: AppState) -> None:
    """Open the study that the browser's address names, if it is not the one on show."""
    if state.study_key and state.study_key != state.shown_key:
        state.request(state.study_key)


def close_with_session(shell: Dashboard) -> None:
    """Clean up after a dashboard when its browser is gone."""
    document = pn.state.curdoc
    if document is not None and document.session_context:
        pn.state.on_session_destroyed(lambda _: shell.close(document))


def wait_for_browser() -> None:
    """Keep a new session for a browser that is slow to come back for it.

    Bokeh lets go of one that nobody has connected to for fifteen seconds. On a busy machine loading
    takes longer; the browser is then given another session, whose models are not those of the page
    that it has, and waits for them for ever.
    """
    document = pn.state.curdoc
    context = document.session_context if document is not None else None
    if context is None or context.server_context is None:
        return
    # Not bound to the document, which is not to be kept by a timer.
    loop, own, sessions = IOLoop.current(), context.id, context.server_context
    end = time.monotonic() + PATIENCE

    def look(held: bool) -> None:
        session = next((one for one in sessions.sessions if one.id == own), None)
        if session is None:
            return
        if session.connection_count or time.monotonic() > end:
            if held:
                session.unblock_expiration()
            return
        if not held:
            session.block_expiration()
        loop.call_later(1.0, look, True)

    # The session is made when its document is.
    loop.call_later(0.1, look, False)


def dashboard() -> Any:
    """Build the dashboard of a session; a problem becomes a page that says so."""
    pn.extension(
        "tabulator", notifications=True, exception_handler=show_exception, raw_css=[TOASTS]
    )
    try:
        state = AppState(served=True)
        sync_address(state)
        shell = Dashboard(state)
        state.request(state.study_key or first_study())
        state.param.watch(lambda _: follow_address(state), "study_key")
        close_with_session(shell)
        wait_for_browser()
        return shell
    except Exception as problem:
        logger.exception("the dashboard could not be built")
        return error_page(problem)


def serve_session() -> None:
    """Put the dashboard on the page that ``panel serve`` serves; protected as ``serve`` is.

    ``panel serve`` listens to every machine where it is not told an address: it is then refused, as
    :func:`serve` refuses it.
    """
    protect()
    words = sys.orig_argv
    address = next((b for a, b in itertools.pairwise(words) if a == "--address"), "")
    login = pn.config.basic_auth or pn.config.oauth_provider
    if login or is_local(address) or os.environ.get("DEEPWAS_NO_LOGIN"):
        shown = dashboard()
    else:
        shown = error_page(
            InputError("Who may come in? Serve with --address localhost, or with --basic-auth.")
        )
    pn.panel(shown).servable(title="DeepWAS Explorer")


def import_what_is_slow() -> None:
    """Import now what the pages need later, so that the first visitor does not wait for it."""
    from deepwas_app.workflow.results import effects, finemap, response  # noqa: F401
    from deepwas_app.workflow.runs import sweep  # noqa: F401

    list(PAGES)


def is_local(address: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def check_access(settings: ServeSettings) -> None:
    """Refuse to serve strangers whom nobody asked in.

    Raises
    ------
    InputError
        If other machines reach the address and there is no login, or they would read the disk; or
        the file of names and passwords is none.
    """
    if settings.basic_auth and settings.oauth_provider:
        raise InputError("--basic-auth and --oauth-provider: choose one.")
    login = settings.basic_auth or settings.oauth_provider
    if not is_local(settings.address):
        where = f"{settings.address}: other machines reach this address"
        if not login and not settings.no_login:
            raise InputError(
                f"{where}. Choose a login (--basic-auth, --oauth-provider), or say --no-login."
            )
        if settings.open_disk:
            raise InputError(f"{where}, and --open-disk shows them every file. Leave it out.")
    if settings.basic_auth:
        path = existing(settings.basic_auth)
        try:
            known = json.loads(path.read_text())
            valid = bool(known) and all(isinstance(v, str) and v for v in known.values())
        except (OSError, ValueError, AttributeError):
            valid = False
        if not valid:
            raise InputError(f'{path}: has no names and passwords. Write {{"name": "password"}}.')


def login_options(settings: ServeSettings) -> dict[str, Any]:
    """What Panel's server takes for the login that is chosen; nothing where there is none."""
    if not settings.basic_auth and not settings.oauth_provider:
        return {}
    options: dict[str, Any] = {
        "cookie_secret": settings.cookie_secret or pn.config.cookie_secret or secrets.token_hex(32),
        "logout_template": str(HERE / "logout.html"),
    }
    if settings.basic_auth:
        options["login_template"] = str(HERE / "login.html")
        return options | {"basic_auth": str(existing(settings.basic_auth))}
    options |= {
        "oauth_provider": settings.oauth_provider,
        "oauth_key": settings.oauth_key,
        "oauth_secret": settings.oauth_secret,
        "oauth_redirect_uri": settings.oauth_redirect_uri,
    }
    if pn.config.oauth_encryption_key:
        try:
            from cryptography.fernet import Fernet
        except ImportError:
            raise InputError(
                "PANEL_OAUTH_ENCRYPTION: needs the package cryptography. Install it."
            ) from None
        pn.state.encryption = Fernet(pn.config.oauth_encryption_key)
    return options


def make_server(settings: ServeSettings) -> Any:
    """The server, protected, which listens and waits to be started.

    Raises
    ------
    InputError
        If strangers would come in, or the port is taken.
    """
    check_access(settings)
    names = {settings.address, "localhost", "127.0.0.1", socket.gethostname()}
    origins = [f"{name}:{settings.port}" for name in sorted(names)]
    asked = [name for name in settings.allow_origin if name != NO_ORIGIN]
    protect(without_origin=NO_ORIGIN in settings.allow_origin)
    prefix = settings.prefix.strip("/")
    try:
        return pn.serve(
            dashboard,
            port=settings.port,
            address=settings.address,
            websocket_origin=origins + asked,
            title="DeepWAS Explorer",
            show=False,
            start=False,
            verbose=False,
            prefix=prefix,
            **login_options(settings),
        )
    except OSError as problem:
        raise InputError(
            f"{settings.address}:{settings.port}: cannot listen there ({problem.strerror}). "
            "Choose another --port."
        ) from None


@knobs(ServeSettings)
def serve(studies: Sequence[str] | None = None, *, settings: ServeSettings) -> None:
    """Serve the dashboard until it is interrupted or terminated.

    Parameters
    ----------
    studies
        Studies to offer; the first is opened.
    settings
        All knobs at once, in place of the keywords below.

    Raises
    ------
    InputError
        If a study is not there, strangers would come in unasked, or the port is taken.
    """
    from deepwas_app.workflow.studies.builtin import builtin_studies

    named = list(studies or settings.studies)
    for study in named:
        if study not in builtin_studies() and not Path(study).is_dir():
            raise InputError(f"{study}: no such study. Check the path, or name a built-in study.")
    if named:
        os.environ["DEEPWAS_STUDIES"] = os.pathsep.join(named)
    if settings.data_root:
        os.environ["DEEPWAS_DATA_ROOT"] = settings.data_root
    if settings.open_disk:
        os.environ["DEEPWAS_OPEN_DISK"] = "1"
    os.environ["DEEPWAS_UPLOAD_LIMIT"] = str(settings.upload_limit)
    os.environ["DEEPWAS_OWNERS"] = os.pathsep.join(settings.owners)
    check_access(settings)
    import_what_is_slow()
    # What is there by now stays: Panel looks for garbage after every visit, while others wait.
    gc.collect()
    gc.freeze()
    server = make_server(settings)
    print(f"DeepWAS Explorer: http://{settings.address}:{settings.port}{server.prefix}")
    loop = server.io_loop
    signal.signal(signal.SIGTERM, lambda *_: loop.asyncio_loop.call_soon_threadsafe(loop.stop))
    server.start()
    try:
        loop.start()
    finally:
        # Before the interpreter ends: their writers need its threads.
        JOBS.stop()
