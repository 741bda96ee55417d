"""``deepwas simulate``: a study whose truth is known."""

from deepwas_app.cli.output import follow
from deepwas_app.workflow.settings.data import SimulateSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write the study and print its path."""
    from deepwas_app.workflow.studies.simulate import simulate

    print(follow(simulate, settings))
