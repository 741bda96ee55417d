"""The commands for what a fitted run says of its annotations: effects and responses.

``cli`` adds them to its own; each turns flags into one call and writes a table.
"""

from collections.abc import Callable
from functools import partial

from deepwas_app.cli_shared import AddCommand, add_output, add_run, add_study, say
from deepwas_app.errors import InputError


def add_effect_commands(command: AddCommand, follow: Callable) -> None:
    """Add effects and response to the parser; `follow` runs a job to its end."""
    effects = command(
        "effects", partial(_effects, follow), "Annotation effects and enrichment, as a table."
    )
    add_run(effects)
    effects.add_argument(
        "--one-at-a-time", action="store_true", help="Add effects fitted without the others."
    )
    effects.add_argument(
        "--shifts", type=int, default=0, help="Add a test by so many shifted annotations; 200 do."
    )
    effects.add_argument(
        "--quantiles",
        metavar="TSV",
        help="Write the enrichment of fifths of continuous annotations as well; - for the screen.",
    )
    add_output(effects)

    response = command(
        "response",
        _response,
        "How log variance answers to one annotation, or to two, the others as they are.",
    )
    response.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="NAME.run; several that differ in their seed only give a band.",
    )
    add_study(response)
    response.add_argument("--annotation", required=True, metavar="A", help="Its name.")
    response.add_argument("--by", metavar="B", help="A second one, for an interaction surface.")
    response.add_argument(
        "--points", type=int, help="Values of a continuous annotation. Default 41; 21 with --by."
    )
    add_output(response)


def _effects(follow: Callable, options) -> None:
    from deepwas_app.workflow.effects import (
        EFFECTS,
        FIFTHS,
        annotation_effects,
        effects_table,
        quantile_table,
    )
    from deepwas_app.workflow.interpret import marginal_effects, shifted_annotations
    from deepwas_app.workflow.locus import open_run_with_study
    from deepwas_app.workflow.tables import write_text

    if options.quantiles == "-" and options.output == "-":
        raise InputError("effects: two tables for one screen. Name a file with -o.")
    run, study = open_run_with_study(options.run_path, options.study)
    found = annotation_effects(study, run)
    alone = follow(marginal_effects.steps(study, run)) if options.one_at_a_time else None
    shifted = (
        follow(shifted_annotations.steps(study, run, options.shifts)) if options.shifts else None
    )
    write_text(EFFECTS.text(effects_table(found, alone, shifted)), options.output)
    if options.quantiles:
        write_text(FIFTHS.text(quantile_table(found)), options.quantiles)


def _response(options) -> None:
    from deepwas_app.workflow import response
    from deepwas_app.workflow.locus import open_run_with_study
    from deepwas_app.workflow.run import open_run
    from deepwas_app.workflow.tables import write_text

    if options.points is not None and not 2 <= options.points <= 1000:
        raise InputError("response: --points is from 2 to 1000.")
    first, study = open_run_with_study(options.runs[0], options.study)
    runs = [first, *(open_run(path) for path in options.runs[1:])]
    if options.by:
        points = options.points or response.SURFACE_POINTS
        found = response.interaction_surface(study, runs, options.annotation, options.by, points)
    else:
        points = options.points or response.CURVE_POINTS
        found = response.response_curve(study, runs, options.annotation, points)
    write_text(response.RESPONSE.text(response.response_table(found)), options.output)
    say(f"LOW and HIGH: {found.attrs['band']}; {len(runs)} run(s)")
