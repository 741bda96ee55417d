"""``deepwas export``: a run's prior and weights for other tools."""

from collections.abc import Sequence
from typing import Any

import param

from deepwas_app.cli.output import say
from deepwas_app.errors import InputError
from deepwas_app.workflow.results.exports import EXPORTS, Export
from deepwas_app.workflow.settings.base import Settings as Knobs
from deepwas_app.workflow.settings.base import facts, fields, part
from deepwas_app.workflow.settings.results import ExportSettings

__all__ = ["Settings", "run"]


def _settings() -> type[ExportSettings]:
    """The knobs of the command: a file each that can be exported, and what can be chosen of it."""
    options = [entry.options for entry in EXPORTS.values() if entry.options is not Knobs]
    files = {
        _knob(entry): param.String("", doc=entry.doc, metadata=facts(metavar="F"))
        for entry in EXPORTS.values()
    }
    regional = ", ".join(f"--{entry.name}" for entry in EXPORTS.values() if entry.region)
    files["region"] = param.String("", doc=f"For {regional}: 22:30500000-31500000.")
    return type("Settings", (*dict.fromkeys(options), ExportSettings), files)


def _knob(entry: Export) -> str:
    return entry.name.replace("-", "_")


Settings = _settings()


def run(settings: ExportSettings) -> None:
    """Write every file that is asked for."""
    from deepwas_app.genetics.regions import parse_region
    from deepwas_app.workflow.results.locus import opened
    from deepwas_app.workflow.tables import write_text

    wanted = [entry for entry in EXPORTS.values() if getattr(settings, _knob(entry))]
    _check(settings, wanted)
    study, run = opened(settings.study or None, settings.run_path)
    regional = any(entry.region for entry in wanted)
    region = parse_region(settings.region, study) if regional else None
    tables: dict[Any, Any] = {}
    texts: list[tuple[str, str, int]] = []
    for entry in wanted:
        arguments = entry.arguments(part(settings, entry.options), region)
        # Two files may be of one table.
        key = (entry.compute, repr(arguments))
        if key not in tables:
            tables[key] = entry.compute(study, run, **arguments)
        text = entry.written(tables[key], study, run)
        texts.append((getattr(settings, _knob(entry)), text, len(tables[key])))
    for path, text, variants in texts:
        write_text(text, path)
        say(f"{path}: {variants} variants")


def _check(settings: ExportSettings, wanted: Sequence[Export]) -> None:
    """Raise InputError where flags do not go together."""
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
    for entry in EXPORTS.values():
        for name in fields(entry.options) if entry not in wanted else ():
            if name in settings.given:
                flag = name.replace("_", "-")
                raise InputError(f"export: --{flag} goes with --{entry.name}. Name its file.")
