"""Writing what other tools take from a run."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import param

from deepwas_app.errors import InputError
from deepwas_app.genetics.regions import parse_region
from deepwas_app.workflow.results.exports import EXPORTS, Export
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.doubted import warn_of
from deepwas_app.workflow.settings.base import Settings, facts, fields, part
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.settings.shared import LAST
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.tables import write_text


def _knobs() -> type[Settings]:
    """A file for each table that can be exported, and what can be chosen of it."""
    options = [entry.options for entry in EXPORTS.values() if entry.options is not Settings]
    files = {
        _knob(entry): param.String("", doc=entry.doc, metadata=facts(metavar="F"))
        for entry in EXPORTS.values()
    }
    regional = ", ".join(f"--{entry.name}" for entry in EXPORTS.values() if entry.region)
    region = param.String(
        "",
        precedence=LAST,
        doc=f"For {regional}: 22:30500000-31500000.",
        metadata=facts(metavar="REGION"),
    )
    return type("ExportKnobs", (*dict.fromkeys(options), Settings), files | {"region": region})


def _knob(entry: Export) -> str:
    return entry.name.replace("-", "_")


ExportKnobs = _knobs()


@knobs(ExportKnobs)
def export(study: StudyLike | None, run: RunLike, *, settings: Any) -> dict[str, pd.DataFrame]:
    """Write a run's prior and weights for other tools.

    Parameters
    ----------
    study, run
        A fitted run, and the study that it was fitted to; None: where it was then.
    settings
        All knobs at once, in place of the keywords below.

    Returns
    -------
    dict
        The tables that were written, by file.

    Raises
    ------
    InputError
        If no file is named, or no region for one that is of a region.
    """
    wanted = [entry for entry in EXPORTS.values() if getattr(settings, _knob(entry))]
    _check(settings, wanted)
    study, run = opened(study, run)
    warn_of(run)
    regional = any(entry.region for entry in wanted)
    region = parse_region(settings.region, study) if regional else None
    tables: dict[Any, pd.DataFrame] = {}
    files: list[tuple[str, pd.DataFrame, str]] = []
    for entry in wanted:
        arguments = entry.arguments(part(settings, entry.options), region)
        # Two files may be of one table.
        key = (entry.compute, repr(arguments))
        if key not in tables:
            tables[key] = entry.compute(study, run, **arguments)
        text = entry.written(tables[key], study, run)
        files.append((getattr(settings, _knob(entry)), tables[key], text))
    for path, _, text in files:
        write_text(text, path)
    return {path: table for path, table, _ in files}


def _check(settings: Any, wanted: Sequence[Export]) -> None:
    """Raise InputError where knobs do not go together."""
    if not wanted:
        *others, last = (f"--{name}" for name in EXPORTS)
        raise InputError(
            f"export: nothing to write. Name a file with {', '.join(others)} or {last}."
        )
    for entry in wanted:
        if entry.region and not settings.region:
            raise InputError(
                f"export: --{entry.name} needs a region, such as --region 22:30500000-31500000."
            )
    taken = {name for entry in wanted for name in fields(entry.options)}
    for entry in EXPORTS.values():
        for name in fields(entry.options):
            if name in settings.given and name not in taken:
                flag = name.replace("_", "-")
                raise InputError(f"export: --{flag} goes with --{entry.name}. Name its file.")
