"""``deepwas explain``: what drives one variant's prior."""

from deepwas_app.cli.output import print_json, say
from deepwas_app.workflow.settings.results import ExplainSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write a row an annotation, the strongest first."""
    from deepwas_app.workflow.results.interpret import DRIVERS, explain
    from deepwas_app.workflow.tables import write_text

    table = explain(settings.study or None, settings.run_path, settings.variant)
    if not settings.json or settings.output != "-":
        write_text(DRIVERS.text(table), settings.output)
    say(
        f"{settings.variant}: prior heritability {table['FOLD'].prod():.3g} times that of a variant"
        f" with mean annotations; most of it by {table['INPUT'][0]} ({table['FOLD'][0]:.3g} times)"
    )
    if settings.json:
        print_json(DRIVERS.records(table))
