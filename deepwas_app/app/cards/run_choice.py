"""The choice of runs, kept in step with the state."""

from typing import Any

import panel_material_ui as pmui

from deepwas_app.app import store
from deepwas_app.app.state import AppState


def runs_choice(state: AppState, **options: Any) -> pmui.MultiChoice:
    """A chooser of finished runs, kept in step with the state by ``follow``."""
    finished = [store.run_name(run) for run in state.runs if run.finished]
    return pmui.MultiChoice(
        label="Runs",
        options=finished,
        value=[name for name in state.selected if name in finished],
        visual_size="small",
        description="Finished runs of this study. Train more on the Train page.",
        **options,
    )


def follow(chooser: pmui.MultiChoice, state: AppState) -> None:
    """Offer the runs that the state knows now, and select those that it selects."""
    finished = [store.run_name(run) for run in state.runs if run.finished]
    chosen = [name for name in state.selected if name in finished]
    if chooser.options != finished or chooser.value != chosen:
        chooser.param.update(options=finished, value=chosen)


def run_select(label: str, names: list[str], value: str | None, **options: Any) -> pmui.Select:
    """A chooser of one run as wide as its card, for names of any length."""
    return pmui.Select(
        label=label,
        options=names,
        value=value,
        size="small",
        sizing_mode="stretch_width",
        margin=(6, 0),
        **options,
    )
