"""Flags that several commands have, and what they print."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

import param

from deepwas_app.errors import InputError

# Flags that are shorter than the name of their setting.
_FLAGS = {"learning_rate": ["--lr"], "output": ["-o", "--output"]}

AddCommand = Callable[[str, Callable, str], argparse.ArgumentParser]


def add_run(sub: argparse.ArgumentParser) -> None:
    """A run, and where its study is."""
    sub.add_argument("run_path", metavar="RUN", help="NAME.run")
    add_study(sub)


def add_study(sub: argparse.ArgumentParser) -> None:
    """Where the study of the command's runs is."""
    sub.add_argument("--study", metavar="STUDY", help="Where the run's study is, if it was moved.")


def add_output(sub: argparse.ArgumentParser) -> None:
    """Where to write the command's table."""
    sub.add_argument(
        "-o", "--output", default="-", metavar="TSV", help="Tab-separated table; - for the screen."
    )


def add_json(sub: argparse.ArgumentParser, text: str = "Print one JSON value last.") -> None:
    """Whether to print JSON."""
    sub.add_argument("--json", action="store_true", help=text)


def print_json(value: Any) -> None:
    """Print one line of JSON; null stands for numbers that are not finite."""
    from deepwas_app.workflow.tables import json_text

    print(json_text(value))


def say(line: str) -> None:
    """For people, beside a table that may be going to standard output."""
    print(line, file=sys.stderr)


def add_settings(sub: argparse.ArgumentParser, settings: type[param.Parameterized]) -> None:
    """Add one flag per setting, with its type, bounds, default and text."""
    for name, knob in settings.param.objects("existing").items():
        if name == "name":
            continue
        flags = _FLAGS.get(name, [f"--{name.replace('_', '-')}"])
        options: dict[str, Any] = {"dest": name, "default": None}
        if isinstance(knob, param.List):
            options |= {"nargs": "+", "action": "extend"}
        elif isinstance(knob, param.Boolean):
            options["action"] = argparse.BooleanOptionalAction
        elif isinstance(knob, param.Selector):
            options["choices"] = [choice for choice in knob.objects if choice]
        elif isinstance(knob, param.Integer):
            options["type"] = int
        elif isinstance(knob, param.Number):
            options["type"] = float
        if name == "output":
            options["required"] = True
        default = ", ".join(knob.default) if isinstance(knob, param.List) else knob.default
        shown = "" if default in ("", None) else f" Default {default}."
        text = f"{knob.doc}{shown}".replace("%", "%%")
        sub.add_argument(*flags, help=text, **options)


def given(options: argparse.Namespace, kind: type[param.Parameterized]) -> dict[str, Any]:
    """The settings that were typed, by name."""
    typed = {
        name: getattr(options, name)
        for name in kind.param.objects("existing")
        if name != "name" and getattr(options, name, None) is not None
    }
    # A List setting with comma-separated words is what people type.
    for name, value in typed.items():
        if isinstance(value, list):
            typed[name] = [item for word in value for item in word.split(",") if item]
    return typed


def read_settings(options: argparse.Namespace, kind: type[param.Parameterized]):
    """The settings of a command line.

    Raises
    ------
    InputError
        For a value that a setting does not take.
    """
    try:
        return kind(**given(options, kind))
    except ValueError as problem:
        raise InputError(f"settings: {problem}") from None
