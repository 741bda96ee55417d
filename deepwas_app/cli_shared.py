"""Flags that several commands have, and what they print."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

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
