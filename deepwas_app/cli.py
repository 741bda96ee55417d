"""The command line: one verb per job, flags generated from the settings."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deepwas_app.cli_effects import add_effect_commands
from deepwas_app.cli_results import add_commands
from deepwas_app.cli_shared import (
    add_json,
    add_output,
    add_settings,
    given,
    print_json,
    read_settings,
    say,
)
from deepwas_app.errors import InputError
from deepwas_app.workflow.progress import drain
from deepwas_app.workflow.settings import (
    PanelSettings,
    ScalingSettings,
    SimulateSettings,
    StudySettings,
    TrainSettings,
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it went well, 1 on bad input, 130 when interrupted."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except InputError as problem:
        say(f"deepwas: {problem}")
        return 1
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        print("deepwas: interrupted", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = argparse.ArgumentParser(
        prog="deepwas",
        description="Learn which annotations carry heritability, from a GWAS under LD.",
    )
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    serve = command("serve", _serve, "Serve the dashboard in the browser.")
    serve.add_argument(
        "studies", nargs="*", metavar="STUDY", help="Studies; the built-in ones if none is named."
    )
    serve.add_argument("--port", type=int, default=5006, help="Default 5006.")
    serve.add_argument("--address", default="localhost", help="Default localhost.")
    serve.add_argument("--data-root", metavar="DIR", help="Where runs and new studies are kept.")

    ld = command("ld", _ld, "Make an LD panel from genotypes or from LD files.")
    add_settings(ld, PanelSettings)
    study = command("study", _study, "Align summary statistics to an LD panel and whiten them.")
    add_settings(study, StudySettings)
    add_json(study)
    simulate = command("simulate", _simulate, "Simulate a study whose truth is known.")
    add_settings(simulate, SimulateSettings)

    train = command("train", _train, "Fit a prior to a study.")
    train.add_argument("study", metavar="STUDY", help="NAME.study.zarr or a built-in study.")
    add_settings(train, TrainSettings)
    train.add_argument("--resume", action="store_true", help="Go on from the run's checkpoint.")
    train.add_argument("--device", choices=["cpu", "gpu"], help="Default: the best there is.")
    train.add_argument("-o", "--output", required=True, metavar="RUN", help="NAME.run")
    add_json(train)

    evaluate = command("evaluate", _evaluate, "Held-out gain of runs over the constant prior.")
    evaluate.add_argument("runs", nargs="+", metavar="RUN")
    add_output(evaluate)
    add_json(evaluate)

    scaling = command("scaling", _scaling, "Held-out likelihood against the number of parameters.")
    scaling.add_argument("study", metavar="STUDY", help="NAME.study.zarr or a built-in study.")
    add_settings(scaling, ScalingSettings)
    scaling.add_argument("-o", "--output", required=True, metavar="DIR", help="Folder of the runs.")

    check = command("check", _check, "Check the LD of every block of a study against its z-scores.")
    check.add_argument("study", metavar="STUDY", help="NAME.study.zarr or a built-in study.")
    check.add_argument("--run", dest="run_path", metavar="RUN", help="Compare with its model.")
    check.add_argument("--all", action="store_true", help="List blocks that fit as well.")
    add_output(check)
    add_json(check)
    add_effect_commands(command, _follow)
    add_commands(command, _follow)

    info = command("info", _info, "What is in a study, panel, run or data file.")
    info.add_argument("path", metavar="PATH")
    add_json(info)
    return top


def _follow(job, quiet: bool = False):
    """Run a job to its end under a progress bar on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn())
    console = Console(stderr=True)
    # It vanishes at the end, so that one line is left where something went wrong.
    with Progress(
        *columns,
        TextColumn("{task.description}"),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    ) as bar:
        task = bar.add_task("", total=1.0)

        def show(step) -> None:
            bar.update(task, completed=step.fraction, description=_describe(step))

        return drain(job, show)


def _describe(step) -> str:
    gain = getattr(step, "held_out_gain", None)
    return step.message if gain is None else f"{step.message}, held-out {1e3 * gain:+.2f} mnat"


def _serve(options) -> None:
    from deepwas_app.app.serving import serve

    serve(options.studies, options.port, options.address, options.data_root)


def _ld(options) -> None:
    from deepwas_app.genetics.panel import open_panel
    from deepwas_app.workflow.study import build_panel

    panel = open_panel(_follow(build_panel.steps(read_settings(options, PanelSettings))))
    _print_report(panel.attrs["report"])
    notes = panel.attrs["notes"]
    print("\n".join([*notes, f"{panel.attrs['path']}: {panel.sizes['blocks']} LD blocks"]))


def _study(options) -> None:
    from deepwas_app.genetics.store import open_study_store
    from deepwas_app.workflow.gwas import mapping_line
    from deepwas_app.workflow.study import build_study

    path = _follow(build_study.steps(read_settings(options, StudySettings)), quiet=options.json)
    study = open_study_store(path)
    report = study.attrs["alignment"]
    gwas = study.attrs["provenance"][0]
    notes = study.attrs["annotation_notes"]
    if options.json:
        print_json(
            {
                "study": str(path),
                "variants": study.sizes["variants"],
                "blocks": study.sizes["blocks"],
                "annotations": study["annotation"].values.tolist(),
                "format": gwas["format"],
                "columns": gwas["columns"],
                "sample_size": gwas["sample_size"],
                "alignment": report,
                "annotation_notes": notes,
            }
        )
        return
    print(mapping_line(gwas))
    _print_report(report)
    print("\n".join([*notes, f"{path}: {study.sizes['annotations']} annotations"]))


def _print_report(report: list[dict]) -> None:
    """The alignment report, one line a step; losses and totals add up, remarks do not."""
    for row in report:
        indent = "    " if row["kind"] == "note" else ""
        print(f"{row['variants']:>12,}  {indent}{row['step']}")


def _simulate(options) -> None:
    from deepwas_app.workflow.simulate import simulate

    print(_follow(simulate.steps(read_settings(options, SimulateSettings))))


def _train(options) -> None:
    if options.device:
        # JAX reads this once, when it is first imported.
        os.environ["JAX_PLATFORMS"] = {"cpu": "cpu", "gpu": "cuda"}[options.device]
        _check_device(options.device)
    from deepwas_app.workflow.builtin import open_study
    from deepwas_app.workflow.models import study_parameters
    from deepwas_app.workflow.run import open_run
    from deepwas_app.workflow.train import train

    study = open_study(options.study)
    path = Path(options.output)
    path = path if path.suffix == ".run" else path.with_name(path.name + ".run")
    settings = read_settings(options, TrainSettings)
    if options.resume:
        open_run(path).check_settings(given(options, TrainSettings))
    else:
        parameters = study_parameters(study, settings)
        say(f"{settings.prior}: {parameters:,} parameters")
    job = train.steps(study, settings, path, options.resume)
    run = _follow(job, quiet=options.json)
    if options.json:
        print_json(run.summary)
        return
    for key, value in run.summary.items():
        print(f"{key:>12}  {value:.6g}" if isinstance(value, float) else f"{key:>12}  {value}")


def _check_device(device: str) -> None:
    """Raise InputError unless JAX computes on the device that is asked for."""
    import jax

    try:
        found = jax.default_backend()
    except (AssertionError, RuntimeError):
        found = "none"
    if found != device:
        raise InputError(
            f"--device {device}: JAX found {found}. A GPU needs an NVIDIA card and the extra cuda: "
            "pip install '.[cuda]'."
        )


def _evaluate(options) -> None:
    from deepwas_app.workflow.evaluation import EVALUATION, evaluate
    from deepwas_app.workflow.run import open_run
    from deepwas_app.workflow.tables import write_text

    table = evaluate([open_run(path) for path in options.runs])
    if not options.json or options.output != "-":
        write_text(EVALUATION.text(table), options.output)
    if options.json:
        print_json(EVALUATION.records(table))


def _scaling(options) -> None:
    from deepwas_app.workflow.builtin import open_study
    from deepwas_app.workflow.models import study_parameters
    from deepwas_app.workflow.sweep import SCALING, scaling, sweep_models
    from deepwas_app.workflow.tables import write_text

    study = open_study(options.study)
    settings = read_settings(options, ScalingSettings)
    for size, knobs in dict(sweep_models(settings)).items():
        say(f"{size}: {study_parameters(study, knobs):,} parameters")
    found = _follow(scaling.steps(study, settings, options.output))
    write_text(SCALING.text(found.table), "-")
    for row in found.steps.to_dict("records"):
        print(
            f"{row['objective']}: {row['size']} over {row['over']} "
            f"{row['difference']:+.1f} +- {row['difference_se']:.1f} nats",
            file=sys.stderr,
        )
    if found.truth is not None:
        say(f"the true prior: {found.truth:+.1f} nats over the constant one")


def _check(options) -> None:
    from deepwas_app.workflow.builtin import open_study
    from deepwas_app.workflow.mismatch import LD_MISMATCH, ld_mismatch
    from deepwas_app.workflow.run import open_run
    from deepwas_app.workflow.tables import write_text

    study = open_study(options.study)
    table = ld_mismatch(study, open_run(options.run_path) if options.run_path else None)
    flagged = table[table["flagged"]]
    say(f"{study.attrs['path']}: {len(flagged)} of {len(table)} LD blocks do not fit the GWAS")
    shown = table if options.all else flagged
    if not options.json or options.output != "-":
        write_text(LD_MISMATCH.text(shown), options.output)
    if options.json:
        print_json(LD_MISMATCH.records(shown))


def _info(options) -> None:
    from deepwas_app.workflow.info import describe

    facts = describe(options.path)
    if options.json:
        print_json(facts)
        return
    for key, value in facts.items():
        if isinstance(value, list):
            print(f"{key}:")
            print("\n".join(f"    {_line(item)}" for item in value))
        else:
            print(f"{key}: {value}")


def _line(item: Any) -> str:
    return "  ".join(f"{v}" for v in item.values()) if isinstance(item, dict) else str(item)


if __name__ == "__main__":
    sys.exit(main())
