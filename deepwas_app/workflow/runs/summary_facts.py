"""What cells show of a fit."""

from typing import Any

from deepwas_app.summary_card import error_of
from deepwas_app.workflow.runs.fitted import Fitted


def summary_facts(run: Fitted) -> dict[str, Any]:
    """Prior, parameters, held-out gain, heritability and noise, by what people read of them."""
    said, settings = run.summary, run.settings
    facts: dict[str, Any] = {"Prior": settings.prior, "Objective": settings.objective}
    if said:
        facts |= {
            "Parameters": said["parameters"],
            "Held-out gain": error_of(said["gain"], said["gain_se"], "nats"),
            "Heritability": error_of(said["h2"], said["h2_se"]),
            "Noise s2": error_of(said["s2"], None),
            "Warnings": "; ".join(said.get("warnings", [])),
        }
    return facts
