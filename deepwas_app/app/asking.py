"""What pages and cards share: they have results computed in a thread, and show them or trouble."""

from collections.abc import Callable, Hashable
from typing import Any

import panel as pn

from deepwas_app.app import notebook
from deepwas_app.app.components import trouble, waiting
from deepwas_app.app.guard import LayoutGuard, lock_events, order_events
from deepwas_app.app.poller import Asked, Poller

lock_events()
order_events()


def alone() -> list[Any]:
    """What a view that is alone in a cell or on a page needs in the browser."""
    return [kind(width=0, height=0, margin=0) for kind in (LayoutGuard, notebook.Arrival)]


class Asker(pn.viewable.Viewer):
    """A view that asks for results, and is told of those that it still wants.

    Parameters
    ----------
    poller
        The session's timer, which brings the results.
    """

    _layout: Any

    def __init__(self, poller: Poller, **params: Any) -> None:
        super().__init__(**params)
        self.poller = poller
        self._asked: dict[Hashable, Asked] = {}

    def ask(
        self,
        what: Hashable,
        compute: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[str], None],
    ) -> None:
        """Compute in a thread, then call ``done(result)`` or ``failed(message)``.

        Unless the same is asked for again, or forgotten before.
        """
        self.forget(what)
        self._asked[what] = self.poller.later(compute, done, failed)

    def forget(self, what: Hashable) -> None:
        """Take back what was asked for under this name, if anything was."""
        self.poller.forget(self._asked.pop(what, None))

    def later(
        self, pane: Any, compute: Callable[[], Any], show: Callable[[Any], Any], until: str = ""
    ) -> None:
        """Compute in a thread, then put ``show(result)`` into a layout; see :meth:`ask`.

        Parameters
        ----------
        pane
            The layout; also the name under which it is asked.
        compute, show
            What makes the result, and from it one object or a list of objects.
        until
            What the layout says until then; as it is where nothing is given.
        """

        def put(shown: Any) -> None:
            pane.objects = shown if isinstance(shown, list) else [shown]

        if until:
            put(waiting(until))
        self.ask(pane, compute, lambda result: put(show(result)), lambda line: put(trouble(line)))

    def let_go(self) -> None:
        """Take back all that was asked for."""
        for what in list(self._asked):
            self.forget(what)

    def __panel__(self) -> Any:
        return self._layout

    def _ipython_display_(self) -> None:
        notebook.show(self)
