"""``deepwas effects``: annotation effects of a run."""

from deepwas_app.cli.output import follow
from deepwas_app.errors import InputError
from deepwas_app.workflow.settings.results import EffectsSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write a row an annotation."""
    from deepwas_app.workflow.results.effects import (
        EFFECTS,
        FIFTHS,
        annotation_effects,
        effects_table,
        quantile_table,
    )
    from deepwas_app.workflow.results.interpret import marginal_effects, shifted_annotations
    from deepwas_app.workflow.results.locus import open_run_with_study
    from deepwas_app.workflow.tables import write_text

    if settings.quantiles == "-" and settings.output == "-":
        raise InputError("effects: two tables for one screen. Name a file with -o.")
    run, study = open_run_with_study(settings.run_path, settings.study or None)
    found = annotation_effects(study, run)
    alone = follow(marginal_effects, study, run) if settings.one_at_a_time else None
    shifts = settings.shifts
    shifted = follow(shifted_annotations, study, run, shifts) if shifts else None
    write_text(EFFECTS.text(effects_table(found, alone, shifted)), settings.output)
    if settings.quantiles:
        write_text(FIFTHS.text(quantile_table(found)), settings.quantiles)
