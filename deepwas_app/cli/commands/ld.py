"""``deepwas ld``: an LD panel."""

from deepwas_app.cli.output import follow, print_json, print_report
from deepwas_app.workflow.settings.base import part
from deepwas_app.workflow.settings.panel import PanelSettings
from deepwas_app.workflow.settings.shared import JsonOutput

__all__ = ["Settings", "run"]


class Settings(PanelSettings, JsonOutput):
    """Knobs of the command."""


def run(settings: Settings) -> None:
    """Write the panel and say what is in it."""
    from deepwas_app.genetics.ld.panel import open_panel
    from deepwas_app.workflow.studies.build import build_ld

    made = follow(build_ld, part(settings, PanelSettings), quiet=settings.json)
    panel = open_panel(made)
    told = {name: panel.attrs[name] for name in ("path", "report", "notes")}
    if settings.json:
        print_json(told | {"blocks": panel.sizes["blocks"], "variants": panel.sizes["variants"]})
        return
    print_report(told["report"])
    blocks = f"{told['path']}: {panel.sizes['blocks']} LD blocks"
    print("\n".join([*told["notes"], blocks]))
