"""``deepwas evaluate``: held-out gains of runs."""

from deepwas_app.cli.output import print_json, say
from deepwas_app.workflow.settings.results import EvaluateSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write a row a run."""
    from deepwas_app.workflow.results.evaluation import evaluate
    from deepwas_app.workflow.results.locus import opened_runs
    from deepwas_app.workflow.results.selection import choice, choice_line
    from deepwas_app.workflow.runs.summary import EVALUATION
    from deepwas_app.workflow.tables import write_text

    runs = opened_runs(settings.runs)
    table = evaluate(runs, prevalence=settings.prevalence, case_fraction=settings.case_fraction)
    if not settings.json or settings.output != "-":
        write_text(EVALUATION.text(table), settings.output)
    chosen = choice(runs) if len({run.study_hash for run in runs}) == 1 else None
    if chosen is not None:
        say(choice_line(chosen))
    if settings.json:
        print_json(EVALUATION.records(table))
