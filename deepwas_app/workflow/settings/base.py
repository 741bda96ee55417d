"""How a knob is declared, and the one line that a wrong value of it becomes.

A knob is a ``param`` parameter with default, bounds and doc. What param has no word for, its unit
and how it is typed on a command line, is its metadata, made by :func:`facts`.
"""

import difflib
from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar

import param

from deepwas_app.errors import InputError
from deepwas_app.spelling import Spelt

# Letters of a wrong value that are said.
LONGEST_SHOWN = 200

Kind = TypeVar("Kind", bound="Settings")


def facts(
    unit: str = "",
    *,
    flags: tuple[str, ...] = (),
    metavar: str = "",
    required: bool = False,
    positional: bool = False,
    empty: str = "",
    reads: str = "",
) -> dict[str, Any]:
    """Metadata of a knob.

    Parameters
    ----------
    unit
        Of a number: "passes", "people"; "1" if it has none.
    flags
        On the command line, where they are not ``--name-of-the-knob``.
    metavar
        What stands for the value in ``--help``.
    required, positional
        Whether a command needs it, and takes it without a flag.
    empty
        What an empty choice means, for people. Of a number that may be None the word for it, which
        is typed on a command line.
    reads
        Of a path that is read: "file", where a pattern means one; "files", where it may mean
        several; "tracks", which are not one a chromosome.
    """
    given: dict[str, Any] = {"unit": unit, "flags": flags, "metavar": metavar, "empty": empty}
    given |= {"required": required, "positional": positional, "reads": reads}
    return {name: value for name, value in given.items() if value}


def fact(knob: param.Parameter[Any], name: str) -> Any:
    """One of the :func:`facts` of a knob; None where it is not stated."""
    return (knob.metadata or {}).get(name)


class SettingError(InputError):
    """A value that a knob cannot have, as one line.

    Parameters
    ----------
    knob, value
        The knob, and what it was to be.
    called
        What the person knows the knob by: its name in Python, its flag, its label on a page.
    """

    def __init__(self, knob: param.Parameter[Any], value: Any, called: str = "") -> None:
        self.knob, self.value = knob, value
        super().__init__(f"{called or knob.name} {_shown(value)}: give {expected(knob)}")


class Settings(Spelt):
    """Knobs of a command; a value that one cannot have is a :class:`SettingError`.

    Attributes
    ----------
    groups
        Names of knobs that ``--help`` lists under a title of their own, by title.
    """

    groups: ClassVar[dict[str, tuple[str, ...]]] = {}

    def __init__(self, **values: Any) -> None:
        check_names(type(self).__name__, fields(type(self)), values)
        try:
            super().__init__(**values)
        except SettingError as problem:
            raise SettingError(problem.knob, problem.value) from None
        self._given = tuple(values)

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            super().__setattr__(name, value)
        except ValueError:
            if name not in fields(type(self)):
                raise
            knob = self.param[name]
            # Who changes one knob of an open form looks at its label.
            raise SettingError(knob, value, knob.label or name) from None

    @property
    def given(self) -> dict[str, Any]:
        """The knobs that were named when this was made, as they are now."""
        return {name: getattr(self, name) for name in self._given}


def fields(
    kind: type[param.Parameterized] | param.Parameterized,
) -> dict[str, param.Parameter[Any]]:
    """The knobs by name: a class's own, then those of the classes it shares; by precedence."""
    knobs = kind.param.objects("existing")
    classes = (kind if isinstance(kind, type) else type(kind)).__mro__
    names = dict.fromkeys(name for one in classes for name in vars(one) if name in knobs)
    names.pop("name", None)
    return {name: knobs[name] for name in sorted(names, key=lambda n: knobs[n].precedence or 0)}


def plain(settings: param.Parameterized) -> dict[str, Any]:
    """The settings by name, to be recorded, compared or changed."""
    return {name: getattr(settings, name) for name in fields(settings)}


def part(settings: Settings, kind: type[Kind]) -> Kind:
    """The knobs of one settings class among those of a command, as they were given."""
    known = fields(kind)
    return kind(**{name: value for name, value in settings.given.items() if name in known})


def check_names(what: str, known: Iterable[str], names: Iterable[str]) -> None:
    """Raise TypeError for a name that is none of the known ones, with the one nearest to it."""
    known = list(known)
    for name in names:
        if name not in known and name != "name":
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise TypeError(f"{what} has no knob {name!r}: {hint}")


def expected(knob: param.Parameter[Any]) -> str:
    """What a knob takes, as the object of a sentence."""
    if isinstance(knob, param.Selector):
        return "one of " + ", ".join(str(choice) for choice in knob.objects if choice != "")
    if isinstance(knob, param.Boolean):
        return "True or False"
    if isinstance(knob, param.List):
        return "a list of words"
    if isinstance(knob, param.Number):
        kind = "a whole number" if isinstance(knob, param.Integer) else "a number"
        text = ", ".join(text for text in (kind, allowed(knob)) if text)
        return f"{text}, or {fact(knob, 'empty')}" if fact(knob, "empty") else text
    return "text"


def allowed(knob: param.Number[Any]) -> str:
    """The range of a number with its unit: "1 to 10000 passes"; empty if there is none."""
    low, high = knob.bounds or (None, None)
    from_low, to_high = knob.inclusive_bounds
    if low is None and high is None:
        return ""
    unit = fact(knob, "unit")
    unit = "" if unit in (None, "1") else f" {unit}"
    if low is not None and high is not None and from_low and to_high:
        return f"{low:g} to {high:g}{unit}" if low < high else f"{low:g}{unit}"
    ends = []
    if low is not None:
        ends.append(f"at least {low:g}" if from_low else f"above {low:g}")
    if high is not None:
        ends.append(f"at most {high:g}" if to_high else f"below {high:g}")
    return " and ".join(ends) + unit


def help_text(knob: param.Parameter[Any]) -> str:
    """What a knob is, its range and its default, for ``--help`` and help() alike."""
    text = knob.doc or ""
    if fact(knob, "reads") == "files":
        text += " Globs and {CHR} work."
    if isinstance(knob, param.Number) and allowed(knob):
        text += f" {allowed(knob)[0].upper()}{allowed(knob)[1:]}."
    default = ", ".join(knob.default) if isinstance(knob, param.List) else knob.default
    if default in ("", None) or default is False or (knob.doc and "Default" in knob.doc):
        return text
    return f"{text} Default {default}."


def _shown(value: Any) -> str:
    text = repr(value) if value == "" or value is None else str(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
