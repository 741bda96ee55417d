"""What commands print: tables' companions, JSON, and the progress of a long job."""

import sys
from typing import Any

from deepwas_app.workflow.progress import Job


def print_json(value: Any) -> None:
    """Print one line of JSON; null stands for numbers that are not finite."""
    from deepwas_app.workflow.tables import json_text

    print(json_text(value))


def say(line: str) -> None:
    """For people, beside a table that may be going to standard output."""
    print(line, file=sys.stderr)


def print_report(report: list[dict[str, Any]]) -> None:
    """The alignment report, one line a step; losses and totals add up, remarks do not."""
    for row in report:
        indent = "    " if row["kind"] == "note" else ""
        print(f"{row['variants']:>12,}  {indent}{row['step']}")


def follow(job: Job[..., Any, Any], *arguments: Any, quiet: bool = False, **keywords: Any) -> Any:
    """Run a job to its end under a progress bar on standard error, and give its result."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn())
    console = Console(stderr=True)
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

        return job(*arguments, progress=show, **keywords)


def _describe(step: Any) -> str:
    gain = getattr(step, "held_out_gain", None)
    return (
        step.message
        if gain is None
        else f"{step.message}, held-out gain {1e3 * gain:+.2f} 10⁻³ nats/variant"
    )
