"""``deepwas train``: a run."""

import os
from pathlib import Path

import param

from deepwas_app.cli.output import follow, print_json, say, warn
from deepwas_app.counting import counted
from deepwas_app.errors import InputError
from deepwas_app.workflow.settings.base import facts, part
from deepwas_app.workflow.settings.shared import LAST, JsonOutput, StudyInput
from deepwas_app.workflow.settings.training import TrainSettings

__all__ = ["Settings", "run"]


class Settings(StudyInput, TrainSettings, JsonOutput):
    """Knobs of the command."""

    resume = param.Boolean(False, precedence=LAST, doc="Go on from the run's checkpoint.")
    device: param.Selector[str] = param.Selector(
        default="", objects=["", "cpu", "gpu"], precedence=LAST, doc="Default: the best there is."
    )
    output = param.String(
        "",
        doc="NAME.run",
        precedence=LAST,
        metadata=facts(flags=("-o", "--output"), metavar="RUN", required=True),
    )


def run(settings: Settings) -> None:
    """Train, and print the run's summary."""
    if settings.device:
        # JAX reads this once, when it is first imported.
        os.environ["JAX_PLATFORMS"] = {"cpu": "cpu", "gpu": "cuda"}[settings.device]
        _check_device(settings.device)
    from deepwas_app.workflow.runs.memory import memory_plan
    from deepwas_app.workflow.runs.models import study_parameters
    from deepwas_app.workflow.runs.run import open_run
    from deepwas_app.workflow.runs.run_files import is_empty
    from deepwas_app.workflow.runs.summary import EVALUATION
    from deepwas_app.workflow.runs.train import train
    from deepwas_app.workflow.studies.builtin import open_study

    study = open_study(settings.study)
    path = Path(settings.output)
    path = path if path.suffix == ".run" else path.with_name(path.name + ".run")
    training = part(settings, TrainSettings)
    if settings.resume and not is_empty(path):
        open_run(path).check_settings(training.given)
    else:
        plan = memory_plan(study, training)
        parameters = counted(study_parameters(study, training), "parameter")
        said = f"{training.prior}: {parameters}"
        say(f"{said}, {plan.text}" if plan else said)
    made = follow(train, study, training, path, settings.resume, quiet=settings.json)
    if settings.json:
        print_json(made.summary)
        return
    summary = dict(made.summary)
    for warning in summary.pop("warnings"):
        warn(warning)
    units = {column.name: column.unit for column in EVALUATION} | {
        "seconds": "s",
        "memory_gb": "GB",
    }
    for key, value in summary.items():
        number = f"{value:.6g}" if isinstance(value, float) else f"{value}"
        unit = units.get(key.removeprefix("validation_"), "")
        print(f"{key:>12}  {number} {unit if value is not None else ''}".rstrip())


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
