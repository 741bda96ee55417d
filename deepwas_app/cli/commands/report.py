"""``deepwas report``: loci on pages to read, print and send."""

from deepwas_app.cli.output import follow, print_json, say
from deepwas_app.workflow.settings.results import ReportSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write the folder, and say where it is."""
    from deepwas_app.reporting import report

    given = settings.study or None, settings.runs, settings.output
    path = follow(report, *given, settings=settings, quiet=settings.json)
    say(f"{path}: open it in a browser")
    if settings.json:
        print_json({"report": str(path)})
