"""``deepwas info``: what is in a file."""

from typing import Any

from deepwas_app.cli.output import print_json
from deepwas_app.counting import counted
from deepwas_app.errors import InputError
from deepwas_app.workflow.settings.results import InfoSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Print the facts; what is damaged is an error, once all was told."""
    from deepwas_app.workflow.info import info

    facts = info(settings.path, settings.verify)
    if settings.json:
        print_json(facts)
    else:
        _print(facts)
    if count := len(facts.get("damaged", [])):
        raise InputError(f"{settings.path}: {counted(count, 'part')} damaged or lost, see above.")


def _print(facts: dict[str, Any]) -> None:
    for key, value in facts.items():
        if isinstance(value, list):
            print(f"{key}:")
            print("\n".join(f"    {_line(item)}" for item in value))
        else:
            print(f"{key}: {value}")


def _line(item: Any) -> str:
    return "  ".join(f"{v}" for v in item.values()) if isinstance(item, dict) else str(item)
