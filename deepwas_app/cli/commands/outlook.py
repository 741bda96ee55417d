"""``deepwas outlook``: how many variants are causal, and what more people would find."""

from deepwas_app.cli.output import print_json
from deepwas_app.workflow.settings.results import OutlookSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write a row a number of people."""
    from deepwas_app.workflow.results.outlook import OUTLOOK, outlook
    from deepwas_app.workflow.tables import write_text

    table = outlook(settings.study or None, settings.run_path, people=settings.people)
    if not settings.json or settings.output != "-":
        write_text(OUTLOOK.text(table), settings.output)
    if settings.json:
        print_json(OUTLOOK.records(table))
