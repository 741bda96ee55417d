"""Every knob of every command, declared once.

Widgets, command-line flags, run records and the signatures of functions are made from these. A
name is loaded from its file when it is asked for: the knobs of studies do not wait for JAX.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Those that load least first.
_FILES = (
    "base",
    "shared",
    "keywords",
    "serving",
    "results",
    "data",
    "panel",
    "scaling",
    "training",
)

if TYPE_CHECKING:
    from deepwas_app.workflow.settings.base import *  # noqa: F403
    from deepwas_app.workflow.settings.data import *  # noqa: F403
    from deepwas_app.workflow.settings.keywords import *  # noqa: F403
    from deepwas_app.workflow.settings.panel import *  # noqa: F403
    from deepwas_app.workflow.settings.results import *  # noqa: F403
    from deepwas_app.workflow.settings.scaling import *  # noqa: F403
    from deepwas_app.workflow.settings.serving import *  # noqa: F403
    from deepwas_app.workflow.settings.shared import *  # noqa: F403
    from deepwas_app.workflow.settings.training import *  # noqa: F403


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        for file in _FILES:
            found = vars(import_module(f"{__name__}.{file}")).get(name)
            if found is not None:
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
