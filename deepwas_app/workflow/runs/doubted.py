"""What runs say against their own numbers, wherever these are taken."""

import warnings

from deepwas_app.errors import RunWarning
from deepwas_app.workflow.runs.fitted import Fitted


def run_warnings(run: Fitted) -> list[str]:
    """What is to be doubted of a run, the gravest first; nothing where it is not finished.

    :func:`deepwas_app.workflow.runs.summary.warnings` decides, when a run is finished; of one of
    version 0.1.0, which has no such record, now.
    """
    found = run.summary
    if not found or "warnings" in found:
        return list(found.get("warnings", []))
    # Late: what only lists runs does not wait for JAX.
    from deepwas_app.workflow.runs import summary

    # Where its record does not say on what its errors rest, they are not doubted.
    return summary.warnings({"blocks": len(run.train_blocks) or summary.FEW_BLOCKS} | found, {})


def warn_of(run: Fitted) -> None:
    """Say what is to be doubted of a run."""
    for words in run_warnings(run):
        warn(f"{run.name}: {words}")


def warn(words: str) -> None:
    """Say what is to be doubted of runs."""
    # From here wherever it is called: Python does not repeat what the same line has said.
    warnings.warn(words, RunWarning, stacklevel=1)
