"""``deepwas effects``: annotation effects of a run."""

from deepwas_app.cli.output import follow, print_json, say
from deepwas_app.errors import InputError
from deepwas_app.workflow.settings.results import EffectsSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write a row an annotation."""
    from deepwas_app.workflow.results.annotation_effects import annotation_effects, caveats
    from deepwas_app.workflow.results.effects import EFFECTS, FIFTHS, effects, quantile_table
    from deepwas_app.workflow.results.locus import opened
    from deepwas_app.workflow.tables import write_text

    if settings.quantiles == "-" and settings.output == "-":
        raise InputError("effects: two tables for one screen. Name a file with -o.")
    study, run = opened(settings.study or None, settings.run_path)
    found = annotation_effects(study, run)
    table = follow(effects, study, run, settings, found, quiet=settings.json)
    if not settings.json or settings.output != "-":
        write_text(EFFECTS.text(table), settings.output)
    if settings.quantiles:
        write_text(FIFTHS.text(quantile_table(found)), settings.quantiles)
    for caveat in caveats(found):
        say(caveat)
    if settings.json:
        print_json(EFFECTS.records(table))
