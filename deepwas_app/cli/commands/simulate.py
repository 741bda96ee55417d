"""``deepwas simulate``: a study whose truth is known."""

from deepwas_app.cli.output import follow
from deepwas_app.workflow.settings.data import SimulateSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write the study and print its path."""
    from deepwas_app.workflow.studies.builtin import open_study
    from deepwas_app.workflow.studies.simulate import simulate

    if settings.study:
        # By the name of a built-in one, too.
        settings.study = str(open_study(settings.study).attrs["path"])
    print(follow(simulate, settings))
