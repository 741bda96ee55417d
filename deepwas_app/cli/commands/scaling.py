"""``deepwas scaling``: held-out likelihood against the number of parameters."""

import param

from deepwas_app.cli.output import follow, print_json, say
from deepwas_app.workflow.settings.base import facts, part
from deepwas_app.workflow.settings.scaling import ScalingSettings
from deepwas_app.workflow.settings.shared import LAST, JsonOutput, StudyInput

__all__ = ["Settings", "run"]


class Settings(StudyInput, ScalingSettings, JsonOutput):
    """Knobs of the command."""

    output = param.String(
        "",
        doc="Folder of the runs.",
        precedence=LAST,
        metadata=facts(flags=("-o", "--output"), metavar="DIR", required=True),
    )


def run(settings: Settings) -> None:
    """Train every model; print the table, and what each size adds to the smaller one."""
    from deepwas_app.workflow.results.selection import choice, choice_line
    from deepwas_app.workflow.runs.models import study_parameters
    from deepwas_app.workflow.runs.sweep import SCALING, STEPS, scaling, sweep_models
    from deepwas_app.workflow.studies.builtin import open_study
    from deepwas_app.workflow.tables import write_text

    study = open_study(settings.study)
    sweep = part(settings, ScalingSettings)
    for size, knobs in dict(sweep_models(sweep)).items():
        say(f"{size}: {study_parameters(study, knobs):,} parameters")
    found = follow(scaling, study, sweep, settings.output, quiet=settings.json)
    if not settings.json:
        write_text(SCALING.text(found.table), "-")
    for row in found.steps.to_dict("records"):
        say(
            f"{row['objective']}: {row['size']} over {row['over']} "
            f"{row['difference']:+.1f} +- {row['difference_se']:.1f} nats"
        )
    if found.truth is not None:
        say(f"the true prior: {found.truth:+.1f} nats over the constant one")
    chosen = choice(found.runs)
    if chosen is not None:
        say(choice_line(chosen))
    if settings.json:
        steps, fits = STEPS.records(found.steps), SCALING.records(found.table)
        print_json({"fits": fits, "steps": steps, "truth": found.truth})
