"""Results of slow functions, kept for all sessions of this process."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
Result = TypeVar("Result")


class Shelf:
    """The most recently used results of slow functions, each made once whoever asks for it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, Future[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is kept under a key, made first if need be; waits where another is making it."""
        with self._lock:
            known = self._kept.get(key)
            result = self._kept[key] = known or Future()
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        if known is None:
            try:
                result.set_result(make())
            except BaseException as problem:
                with self._lock:
                    if self._kept.get(key) is result:
                        del self._kept[key]
                result.set_exception(problem)
        return result.result()

    def keeps(
        self, key: Callable[[Any], Hashable]
    ) -> Callable[[Callable[P, Result]], Callable[P, Result]]:
        """Decorate a function: its results are kept here, under its name and its arguments' keys.

        Parameters
        ----------
        key
            What tells one argument from others: what has the same key gives the same result.
        """

        def decorate(function: Callable[P, Result]) -> Callable[P, Result]:
            name, takes = function.__name__, signature(function)

            @wraps(function)
            def kept(*args: P.args, **kwargs: P.kwargs) -> Result:
                given = takes.bind(*args, **kwargs).arguments.values()
                return self.get((name, *map(key, given)), lambda: function(*args, **kwargs))

            return kept

        return decorate
