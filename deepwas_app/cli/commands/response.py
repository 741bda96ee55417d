"""``deepwas response``: how log variance answers to annotations."""

from deepwas_app.cli.output import print_json, say
from deepwas_app.workflow.settings.results import ResponseSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write a curve, or with a second annotation a surface."""
    from deepwas_app.workflow.results.response import RESPONSE, response
    from deepwas_app.workflow.tables import write_text

    what = settings.runs, settings.annotation, settings.by
    table = response(settings.study or None, *what, settings=settings)
    if not settings.json or settings.output != "-":
        write_text(RESPONSE.text(table), settings.output)
    say(f"LOW and HIGH: {table['BAND'][0]}; {table['RUNS'][0]} run(s)")
    if settings.json:
        print_json(RESPONSE.records(table))
