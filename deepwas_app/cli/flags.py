"""Flags from settings, and settings from what was typed."""

import argparse
from typing import Any

import param

from deepwas_app.workflow.settings.base import (
    SettingError,
    Settings,
    fact,
    fields,
    help_text,
)


def add_flags(sub: argparse.ArgumentParser, kind: type[Settings]) -> None:
    """Add a flag, or an argument without one, for every knob of the settings."""
    titles = {name: title for title, names in kind.groups.items() for name in names}
    groups = {title: sub.add_argument_group(title) for title in kind.groups}
    for name, knob in fields(kind).items():
        to = groups[titles[name]] if name in titles else sub
        options: dict[str, Any] = {"help": help_text(knob).replace("%", "%%")}
        if fact(knob, "metavar"):
            options["metavar"] = fact(knob, "metavar")
        if isinstance(knob, param.Selector):
            options["metavar"] = "{" + ",".join(c for c in knob.objects if c) + "}"
        if isinstance(knob, param.List):
            options["nargs"] = "+" if fact(knob, "required") or not positional(knob) else "*"
        if positional(knob):
            sub.add_argument(name, **options)
            continue
        options |= {"dest": name, "default": None, "required": bool(fact(knob, "required"))}
        if isinstance(knob, param.Boolean):
            to.add_argument(*flags_of(knob), action="store_true", **options)
            off = f"--no-{name.replace('_', '-')}"
            to.add_argument(off, action="store_false", dest=name, help=argparse.SUPPRESS)
            continue
        if isinstance(knob, param.List):
            options["action"] = "extend"
        flag: Any = to.add_argument(*flags_of(knob), **options)
        if isinstance(knob, param.Selector):
            # Shells ask it.
            flag.completer = _Choices(knob)


class _Choices:
    """What a shell may complete a value to."""

    def __init__(self, knob: param.Selector[Any]) -> None:
        self._choices = [str(choice) for choice in knob.objects if choice]

    def __call__(self, prefix: str, **_: Any) -> list[str]:
        return [choice for choice in self._choices if choice.startswith(prefix)]


def read_flags(typed: argparse.Namespace, kind: type[Settings]) -> Settings:
    """The settings that were typed.

    Raises
    ------
    InputError
        For a value that one of them cannot have: a line with its flag.
    """
    given = {}
    for name, knob in fields(kind).items():
        value = getattr(typed, name, None)
        if value is not None and value != []:
            given[name] = _value(knob, value)
    try:
        return kind(**given)
    except SettingError as problem:
        raise _named(problem) from None


def flags_of(knob: param.Parameter[Any]) -> tuple[str, ...]:
    """How a knob is typed."""
    return fact(knob, "flags") or (f"--{(knob.name or '').replace('_', '-')}",)


def positional(knob: param.Parameter[Any]) -> bool:
    """Whether a knob is typed without a flag."""
    return bool(fact(knob, "positional"))


def _value(knob: param.Parameter[Any], words: Any) -> Any:
    """What was typed, as the knob's type."""
    if isinstance(knob, param.List) and not positional(knob):
        # Comma-separated words are what people type.
        return [item for word in words for item in word.split(",") if item]
    if isinstance(knob, param.Boolean) or not isinstance(knob, param.Number):
        return words
    if words == fact(knob, "empty"):
        return None
    try:
        return int(words) if isinstance(knob, param.Integer) else float(words)
    except ValueError:
        raise _named(SettingError(knob, words)) from None


def _named(problem: SettingError) -> SettingError:
    """The problem, with the flag that was typed."""
    knob = problem.knob
    called = fact(knob, "metavar") if positional(knob) else flags_of(knob)[-1]
    return SettingError(knob, problem.value, called)
