"""What commands print: tables' companions, JSON, and the progress of a long job."""

import sys
import time
from typing import Any

from deepwas_app.workflow.progress import Job

LINES = 30.0
"""Seconds between lines of progress where there is no terminal for a bar."""
_QUIET = False


def be_quiet(quiet: bool) -> None:
    """Leave out what is only for people, beside results, warnings and errors."""
    global _QUIET
    _QUIET = quiet


def print_json(value: Any) -> None:
    """Print one line of JSON; null stands for numbers that are not finite.

    Each result in it says what it was made by and from.
    """
    from deepwas_app.provenance import provenance
    from deepwas_app.workflow.tables import json_text

    made = {"provenance": provenance(brief=True)}
    print(json_text([one | made for one in value] if isinstance(value, list) else made | value))


def say(line: str) -> None:
    """For people, beside a table that may be going to standard output."""
    if not _QUIET:
        print(line, file=sys.stderr)


def warn(line: str) -> None:
    """What is to be doubted."""
    print(f"warning: {line}", file=sys.stderr)


def print_report(report: list[dict[str, Any]]) -> None:
    """The alignment report, one line a step; losses and totals add up, remarks do not."""
    for row in report:
        indent = "    " if row["kind"] == "note" else ""
        print(f"{row['variants']:>12,}  {indent}{row['step']}")


def follow(job: Job[..., Any, Any], *arguments: Any, quiet: bool = False, **keywords: Any) -> Any:
    """Run a job to its end under a progress bar on standard error, and give its result.

    Without a terminal, as in the log of a cluster's job, there is a line of progress now and then.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn())
    console = Console(stderr=True)
    quiet = quiet or _QUIET
    lines = _Lines()
    # It vanishes at the end, so that one line is left where something went wrong.
    with Progress(
        *columns,
        TextColumn("{task.description}"),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    ) as bar:
        task = bar.add_task("", total=1.0)

        def show(step: Any) -> None:
            bar.update(task, completed=step.fraction, description=_describe(step))
            if bar.disable and not quiet:
                lines.show(step)

        return job(*arguments, progress=show, **keywords)


class _Lines:
    """Progress as lines of a log."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def show(self, step: Any) -> None:
        if time.monotonic() - self._said >= LINES:
            self._said = time.monotonic()
            now = time.strftime("%H:%M:%S")
            print(f"{now} {step.fraction:4.0%} {_describe(step)}", file=sys.stderr, flush=True)


def _describe(step: Any) -> str:
    gain = getattr(step, "held_out_gain", None)
    return (
        step.message
        if gain is None
        else f"{step.message}, held-out gain {1e3 * gain:+.2f} 10⁻³ nats/variant"
    )
