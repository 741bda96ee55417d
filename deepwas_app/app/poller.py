"""One timer per session: the only place where results of threads reach a page."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import panel as pn
from panel.io import PeriodicCallback

from deepwas_app.app.guard import in_order
from deepwas_app.app.notebook import take_in, tell_browsers
from deepwas_app.errors import InputError

logger = logging.getLogger(__name__)

PERIOD_MS = 100
_WORKERS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="deepwas-page")


class Asked(NamedTuple):
    """What a thread computes, and whom to tell."""

    future: Future[Any]
    done: Callable[[Any], None]
    failed: Callable[[str], None]

    def deliver(self) -> None:
        """Tell of the result, or in one line what went wrong."""
        problem = self.future.exception()
        if problem is None:
            self.done(self.future.result())
        elif isinstance(problem, InputError):
            self.failed(str(problem))
        else:
            logger.error("a computation for the page failed", exc_info=problem)
            self.failed(f"Unexpected: {type(problem).__name__}: {problem}")


class Poller:
    """Calls functions ten times a second on the session's own thread.

    Attributes
    ----------
    on_error
        Called with what a function raised, once if it raises the same at every tick; raised again
        where there is none.
    """

    def __init__(self) -> None:
        self.on_error: Callable[[Exception], None] | None = None
        # With what each raised the last time.
        self._functions: dict[Callable[[], None], str] = {}
        self._pending: list[Asked] = []
        self._timer: Any = None
        self._polled = 0.0

    def add(self, function: Callable[[], None]) -> None:
        """Call ``function()`` at every tick."""
        self._functions[function] = ""

    def later(
        self,
        compute: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[str], None],
    ) -> Asked:
        """Compute in a thread, then call ``done(result)`` or ``failed(message)`` at a tick."""
        asked = Asked(_WORKERS.submit(compute), done, failed)
        self._pending.append(asked)
        return asked

    def forget(self, asked: Asked | None) -> None:
        """Tell nobody of this; it is not computed at all if that has not begun."""
        if asked in self._pending:
            self._pending.remove(asked)
            asked.future.cancel()

    @property
    def waiting(self) -> bool:
        """Whether something is being computed for the session."""
        return bool(self._pending)

    def poll(self) -> None:
        """One tick."""
        self._polled = time.monotonic()
        in_order(self._poll)
        tell_browsers()

    def between(self, last: bool = False) -> None:
        """Tick in the middle of a cell that keeps the timer from ticking, if it is time to."""
        late = time.monotonic() - self._polled > 2e-3 * PERIOD_MS
        if (late or last) and threading.current_thread() is threading.main_thread():
            take_in()
            self.poll()

    def _poll(self) -> None:
        for asked in [asked for asked in self._pending if asked.future.done()]:
            # Unless one before it has had it forgotten.
            if asked in self._pending:
                self._pending.remove(asked)
                self._call(asked.deliver)
        for function, known in list(self._functions.items()):
            self._functions[function] = self._call(function, known)

    def _call(self, function: Callable[[], Any], known: str = "") -> str:
        """Call one function; the others must not suffer from its errors. What it raised, if any."""
        try:
            function()
        except Exception as problem:
            if self.on_error is None:
                raise
            raised = f"{type(problem).__name__}: {problem}"
            if raised != known:
                self.on_error(problem)
            return raised
        return ""

    def start(self) -> None:
        """Begin ticking once the browser has the page; at once in a notebook.

        What changes between the browser's request for the page and the end of its loading would
        be lost.
        """
        pn.state.onload(self._tick_from_now)

    def _tick_from_now(self) -> None:
        if self._timer is None:
            # In the background: ten ticks a second should neither be logged nor count as busy.
            self._timer = PeriodicCallback(
                callback=self.poll, period=PERIOD_MS, background=True, log=False
            )
            self._timer.start()

    def stop(self) -> None:
        """Stop ticking and forget everybody."""
        if self._timer is not None:
            self._timer.stop()
        self._functions.clear()
        for asked in list(self._pending):
            self.forget(asked)
