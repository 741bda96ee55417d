"""``deepwas report``: loci on pages to read, print and send."""

from deepwas_app.cli.output import follow, say
from deepwas_app.workflow.settings.results import ReportSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write the folder, and say where it is."""
    from deepwas_app.reporting import report

    path = follow(report, settings.study or None, settings.runs, settings.output, settings=settings)
    say(f"{path}: open it in a browser")
