"""What pages over the finished runs of a study share."""

from collections.abc import Sequence
from typing import Any, ClassVar

import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.components import caution, empty
from deepwas_app.app.pages.base import Page
from deepwas_app.app.state import AppState


class RunsPage(Page):
    """A page over the finished runs of a study; without any it says what to train."""

    needs: ClassVar[str] = ""

    def build(self, study: xr.Dataset) -> list[Any]:
        """The content, or what to train first."""
        self.finished = finished_runs(self.state)
        if not self.finished:
            return [empty(f"This study has no finished run yet. {self.needs}")]
        return self.build_runs(study)

    def build_runs(self, study: xr.Dataset) -> list[Any]:
        """The content over ``finished``, which has at least one run. Subclasses say what."""
        raise NotImplementedError


def doubts(name: str, said: Sequence[str]) -> list[pmui.Alert]:
    """What is to be doubted of a run, in one alert; none where there is nothing."""
    return [caution(f"{name}: {'. '.join(said)}.")] if said else []


def finished_runs(state: AppState) -> dict[str, Any]:
    """Finished runs by name, oldest first; the folder is named where two have one name."""
    runs = [run for run in state.runs if run.finished]
    names = [store.run_name(run) for run in runs]
    return {
        name if names.count(name) == 1 else f"{name} ({run.path.parent.name})": run
        for name, run in zip(names, runs, strict=True)
    }


def name_in(finished: dict[str, Any], run: Any) -> str:
    """The name that a run has among finished ones."""
    return next(name for name, other in finished.items() if other is run)
