"""``deepwas export``: a run's prior and weights for other tools."""

from typing import Any

from deepwas_app.cli.output import print_json, say
from deepwas_app.counting import counted
from deepwas_app.workflow.results.export import ExportKnobs
from deepwas_app.workflow.settings.shared import JsonOutput, RunInput

__all__ = ["Settings", "run"]

# The files are those of the registry.
Settings = type("Settings", (ExportKnobs, RunInput, JsonOutput), {})


def run(settings: Any) -> None:
    """Write every file that is asked for."""
    from deepwas_app.workflow.results.export import export
    from deepwas_app.workflow.results.locus import opened
    from deepwas_app.workflow.runs.folds import provenance

    study, run = opened(settings.study or None, settings.run_path)
    written = export(study, run, settings=settings)
    say(provenance(study, run))
    for path, table in written.items():
        say(f"{path}: {counted(len(table), 'variant')}")
    if settings.json:
        print_json([{"path": path, "variants": len(table)} for path, table in written.items()])
