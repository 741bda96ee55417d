"""Attributes that are misspelt: an error, not something new that nobody reads."""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import param
from param.parameterized import ParameterizedMetaclass


class _Made(ParameterizedMetaclass):
    """Knows when an object has been made."""

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        made = super().__call__(*arguments, **keywords)
        vars(made)["_spelt"] = True
        return made


class Spelt(param.Parameterized, metaclass=_Made):
    """Takes, once it is made, only attributes that it knows, and those with an underscore."""

    def __setattr__(self, name: str, value: Any) -> None:
        if vars(self).get("_spelt") and not name.startswith("_") and not self._knows(name):
            known = [known for known in dir(self) if not known.startswith("_")]
            near = difflib.get_close_matches(name, known, 1)
            hint = f": did you mean {near[0]!r}?" if near else ""
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{hint}")
        super().__setattr__(name, value)

    def _knows(self, name: str) -> bool:
        # What a class says that it will have counts as well.
        said = (vars(one).get("__annotations__", {}) for one in type(self).__mro__)
        return hasattr(self, name) or any(name in names for names in said)

    @contextmanager
    def _making(self) -> Iterator[None]:
        """Let the object's own code add to it."""
        before = vars(self).pop("_spelt", False)
        try:
            yield
        finally:
            vars(self)["_spelt"] = before
