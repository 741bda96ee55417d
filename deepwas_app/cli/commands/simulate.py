"""``deepwas simulate``: a study whose truth is known."""

from deepwas_app.cli.output import follow, print_json
from deepwas_app.workflow.settings.base import part
from deepwas_app.workflow.settings.data import SimulateSettings
from deepwas_app.workflow.settings.shared import JsonOutput

__all__ = ["Settings", "run"]


class Settings(SimulateSettings, JsonOutput):
    """Knobs of the command."""


def run(settings: Settings) -> None:
    """Write the study and print its path."""
    from deepwas_app.workflow.studies.builtin import open_study
    from deepwas_app.workflow.studies.simulate import simulate

    if settings.study:
        # By the name of a built-in one, too.
        settings.study = str(open_study(settings.study).attrs["path"])
    made = follow(simulate, part(settings, SimulateSettings), quiet=settings.json)
    if settings.json:
        sizes = open_study(made).sizes
        print_json({"path": str(made)} | {name: sizes[name] for name in ("variants", "blocks")})
    else:
        print(made)
