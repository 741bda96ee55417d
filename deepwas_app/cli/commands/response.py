"""``deepwas response``: how log variance answers to annotations."""

from deepwas_app.cli.output import say
from deepwas_app.workflow.settings.results import CURVE_POINTS, SURFACE_POINTS
from deepwas_app.workflow.settings.results import ResponseSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write a curve, or with a second annotation a surface."""
    from deepwas_app.workflow.results import response
    from deepwas_app.workflow.results.locus import open_run_with_study
    from deepwas_app.workflow.runs.run import open_run
    from deepwas_app.workflow.tables import write_text

    first, study = open_run_with_study(settings.runs[0], settings.study or None)
    runs = [first, *(open_run(path) for path in settings.runs[1:])]
    if settings.by:
        points = settings.points or SURFACE_POINTS
        found = response.interaction_surface(study, runs, settings.annotation, settings.by, points)
    else:
        points = settings.points or CURVE_POINTS
        found = response.response_curve(study, runs, settings.annotation, points)
    write_text(response.RESPONSE.text(response.response_table(found)), settings.output)
    say(f"LOW and HIGH: {found.attrs['band']}; {len(runs)} run(s)")
