"""Entries by name, such as priors or file formats; other people's packages can add their own."""

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, TypeVar

from deepwas_app.errors import InputError

Entry = TypeVar("Entry")


class Registry(Mapping[str, Entry]):
    """Entries by name, in the order of their `order`, then of their modules.

    Filled on the first look-up: the modules of one folder are imported, and those that other
    packages name under the entry-point group ``deepwas_app.<what>``; each adds what it defines.

    Parameters
    ----------
    what
        The entries, in the plural and as in the entry-point group: "priors", "plot_tracks".
    folder
        Full name of the package whose modules hold our own entries, None if there is none.
    key
        Name of an entry; its `name` by default.
    order
        Where an entry stands in lists, smallest first; its `order` by default, 0 without one.

    Examples
    --------
    >>> PRIORS = Registry("priors", "deepwas_app.core.priors")
    >>> @PRIORS.add
    ... class MyPrior:
    ...     name = "mine"
    """

    def __init__(
        self,
        what: str,
        folder: str | None = None,
        *,
        key: Callable[[Entry], str] = lambda entry: entry.name,  # type: ignore[attr-defined]
        order: Callable[[Entry], float] = lambda entry: getattr(entry, "order", 0),
    ):
        self._what, self._folder, self._key, self._order = what, folder, key, order
        self._entries: dict[str, Entry] = {}
        self._filled = False

    def add(self, entry: Entry) -> Entry:
        """Add an entry and return it, so that this decorates classes and functions.

        Raises
        ------
        ValueError
            If another entry has that name.
        """
        name = self._key(entry)
        if name in self._entries:
            raise ValueError(f"two {self._words} are called {name!r}")
        self._entries[name] = entry
        return entry

    def __getitem__(self, name: str) -> Entry:
        entries = self._fill()
        if name not in entries:
            raise InputError(f"unknown {self._one} {name!r}: one of {', '.join(self)}")
        return entries[name]

    # Mapping's own asks for a KeyError, which a line for people is not.
    def __contains__(self, name: object) -> bool:
        return name in self._fill()

    def get(self, name: str, default: Any = None) -> Any:
        """The entry of that name, or `default`."""
        return self._fill().get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._fill(), key=lambda name: self._order(self._entries[name])))

    def __len__(self) -> int:
        return len(self._fill())

    @property
    def _words(self) -> str:
        return self._what.replace("_", " ")

    @property
    def _one(self) -> str:
        return self._words.removesuffix("s")

    def _fill(self) -> dict[str, Entry]:
        if not self._filled:
            # First, because the modules may look up what is there already.
            self._filled = True
            try:
                self._load()
            except BaseException:
                self._filled = False
                raise
        return self._entries

    def _load(self) -> None:
        if self._folder is not None:
            folder = import_module(self._folder)
            for module in pkgutil.iter_modules(folder.__path__):
                import_module(f"{self._folder}.{module.name}")
        for point in entry_points(group=f"deepwas_app.{self._what}"):
            point.load()
