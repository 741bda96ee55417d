"""``deepwas scan``: many annotations, each tested beside what a run has learned."""

from deepwas_app.cli.output import follow, print_json
from deepwas_app.workflow.settings.results import ScanSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write a row an annotation, the surest first."""
    from deepwas_app.workflow.results.scan import SCAN, scan
    from deepwas_app.workflow.tables import write_text

    given = settings.study or None, settings.run_path, settings.annotations
    table = follow(scan, *given, quiet=settings.json)
    if not settings.json or settings.output != "-":
        write_text(SCAN.text(table), settings.output)
    if settings.json:
        print_json(SCAN.records(table))
