"""``deepwas evaluate``: held-out gains of runs."""

from deepwas_app.cli.output import print_json
from deepwas_app.workflow.settings.results import EvaluateSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write a row a run."""
    from deepwas_app.workflow.results.evaluation import evaluate
    from deepwas_app.workflow.runs.summary import EVALUATION
    from deepwas_app.workflow.tables import write_text

    table = evaluate(
        settings.runs, prevalence=settings.prevalence, case_fraction=settings.case_fraction
    )
    if not settings.json or settings.output != "-":
        write_text(EVALUATION.text(table), settings.output)
    if settings.json:
        print_json(EVALUATION.records(table))
