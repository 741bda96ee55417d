"""``deepwas ld``: an LD panel."""

from deepwas_app.cli.output import follow, print_report
from deepwas_app.workflow.settings.panel import PanelSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write the panel and say what is in it."""
    from deepwas_app.genetics.ld.panel import open_panel
    from deepwas_app.workflow.studies.build import build_ld

    panel = open_panel(follow(build_ld, settings))
    print_report(panel.attrs["report"])
    blocks = f"{panel.attrs['path']}: {panel.sizes['blocks']} LD blocks"
    print("\n".join([*panel.attrs["notes"], blocks]))
