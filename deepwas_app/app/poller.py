"""One timer per session: the only place where results of threads reach a page."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import panel as pn
from panel.io import PeriodicCallback

from deepwas_app.app.guard import in_order
from deepwas_app.errors import InputError

logger = logging.getLogger(__name__)

PERIOD_MS = 100
_WORKERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="deepwas-page")


class Poller:
    """Calls functions ten times a second on the session's own thread.

    Attributes
    ----------
    on_error
        Called with what a function raised; raised again where there is none.
    """

    def __init__(self) -> None:
        self.on_error: Callable[[Exception], None] | None = None
        self._functions: list[Callable[[], None]] = []
        self._pending: list[tuple[Future, Callable[[Any], None], Callable[[str], None]]] = []
        self._timer: Any = None

    def add(self, function: Callable[[], None]) -> None:
        """Call ``function()`` at every tick."""
        self._functions.append(function)

    def later(
        self,
        compute: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[str], None],
    ) -> None:
        """Compute in a thread, then call ``done(result)`` or ``failed(message)`` at a tick."""
        self._pending.append((_WORKERS.submit(compute), done, failed))

    def poll(self) -> None:
        """One tick."""
        in_order(self._poll)

    def _poll(self) -> None:
        finished = [entry for entry in self._pending if entry[0].done()]
        self._pending = [entry for entry in self._pending if entry not in finished]
        for future, done, failed in finished:
            problem = future.exception()
            if problem is None:
                self._call(partial(done, future.result()))
            elif isinstance(problem, InputError):
                failed(str(problem))
            else:
                logger.error("a computation for the page failed", exc_info=problem)
                failed(f"Unexpected: {type(problem).__name__}: {problem}")
        for function in list(self._functions):
            self._call(function)

    def _call(self, function: Callable[[], Any]) -> None:
        """Call one function; the others must not suffer from its errors."""
        try:
            function()
        except Exception as problem:
            if self.on_error is None:
                raise
            self.on_error(problem)

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
        self._pending.clear()
