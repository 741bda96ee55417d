"""``deepwas info``: what is in a file."""

from typing import Any

from deepwas_app.cli.output import print_json
from deepwas_app.workflow.settings.results import InfoSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Print the facts."""
    from deepwas_app.workflow.info import info

    facts = info(settings.path)
    if settings.json:
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
