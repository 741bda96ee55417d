"""What can be done with a run: take its settings, note something, rename it, remove it."""

from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from deepwas_app.app import store
from deepwas_app.app.components import typed
from deepwas_app.app.jobs import JOBS
from deepwas_app.app.markup import text
from deepwas_app.app.state import AppState
from deepwas_app.app.visitor import may_stop
from deepwas_app.errors import InputError
from deepwas_app.workflow.runs.tidy import read_notes, remove_run, rename_run, write_notes

# Owner of runs of which it is not known whose they are.
SOMEBODY = "somebody"


class RunActions(pn.viewable.Viewer):
    """Buttons for one run of the study. ``follow`` is called when there are others.

    Parameters
    ----------
    state
        The study and its runs.
    duplicate
        Called with a run whose settings are to be changed and trained again.
    """

    def __init__(self, state: AppState, duplicate: Callable[[Any], None]) -> None:
        super().__init__()
        self.state = state
        # Of the selected runs, the one that was looked at last.
        self._newest = ""
        self.run = pmui.Select(
            label="Run to change", options=[], size="small", width=240, margin=(6, 8, 6, 0)
        )
        self.again = _button("Duplicate with changes", "content_copy")
        self.again.on_click(lambda _: duplicate(self._run()))
        self.called = pmui.TextInput(label="New name", size="small", width=240, margin=(6, 8, 6, 0))
        self.rename = _button("Rename", "edit")
        self.rename.on_click(lambda _: self._do(self._rename))
        self.remove = _button("Delete…", "delete")
        self.remove.on_click(lambda _: self._ask(True))
        self.question = pmui.Typography("", variant="body2", margin=(10, 8, 6, 0))
        self.really = _button("Delete it", "delete_forever", color="error")
        self.really.on_click(lambda _: self._do(self._remove))
        keep = _button("Keep it", "undo")
        keep.on_click(lambda _: self._ask(False))
        self.asked = pmui.FlexBox(self.question, self.really, keep, visible=False)
        self.notes = pmui.TextAreaInput(
            label="Notes", auto_grow=True, rows=2, sizing_mode="stretch_width", margin=(6, 0)
        )
        self.why = pmui.Typography(
            "Whoever trained a run here may rename, delete and annotate it, when it is not being "
            "trained.",
            variant="caption",
            sx={"color": "text.secondary"},
        )
        self.save = _button("Keep notes", "save")
        self.save.on_click(lambda _: self._do(self._note))
        self.run.param.watch(lambda _: self._show(), "value")
        self._layout = pmui.Column(
            pmui.FlexBox(
                self.run, self.again, self.called, self.rename, self.remove, align_items="center"
            ),
            self.asked,
            self.why,
            self.notes,
            self.save,
            sizing_mode="stretch_width",
        )
        self.follow()

    def follow(self) -> None:
        """Offer the runs that there are now: those that are looked at before the others."""
        names = [store.run_name(run) for run in self.state.runs]
        chosen = [name for name in names if name in self.state.selected] or names
        newest = (chosen or [""])[-1]
        kept = self.run.value if self.run.value in names and newest == self._newest else newest
        self._newest = newest
        self.run.param.update(options=names, value=kept)
        self._layout.visible = bool(names)
        self._show()

    def _run(self) -> Any:
        return next(run for run in self.state.runs if store.run_name(run) == self.run.value)

    def _show(self) -> None:
        self._ask(False)
        if not self.run.value:
            return
        run = self._run()
        mine = may_change(self.state.study, run)
        for widget in (self.called, self.rename, self.remove, self.save):
            widget.disabled = not mine
        noted = read_notes(run)
        self.called.param.update(value=run.name, value_input=run.name)
        self.why.visible = not mine
        self.notes.param.update(value=noted, value_input=noted)

    def _ask(self, asked: bool) -> None:
        self.question.object = f"Delete {text(self.run.value)} for ever, weights and all?"
        self.asked.visible = asked

    def _do(self, action: Callable[[Any], str]) -> None:
        """One change of the run, unless it may not be; what came of it is said."""
        run = self._run()
        try:
            # A browser may say of a button that is disabled that it was pressed.
            if not may_change(self.state.study, run):
                raise InputError(f"{self.run.value}: is not yours to change, or is being trained.")
            said = action(run)
        except InputError as problem:
            self.state.say(str(problem), "warning")
            return
        self.state.say(said, "success")

    def _rename(self, run: Any) -> str:
        before = self.run.value
        renamed = store.run_name(rename_run(run, typed(self.called)))
        chosen = before in self.state.selected
        self.state.refresh_runs(select=renamed if chosen else None)
        self.run.value = renamed
        return f"{before} is now {renamed}."

    def _remove(self, run: Any) -> str:
        before = self.run.value
        remove_run(run)
        self.state.refresh_runs()
        return f"{before} is deleted."

    def _note(self, run: Any) -> str:
        write_notes(run, self.notes.value_input or "")
        return f"Notes of {self.run.value} are kept."

    def __panel__(self) -> pmui.Column:
        return self._layout


def may_change(study: Any, run: Any) -> bool:
    """Whether who looks may change a run: it was trained here by them, or the server is theirs.

    Not one of a sweep, which goes on from its runs; nor what lies beside the study.
    """
    if run.path.parent != store.runs_folder(study):
        return False
    made = [job for job in JOBS.jobs if job.output == run.path]
    if any(not job.status.over for job in made):
        return False
    return may_stop(made[-1].owner if made else SOMEBODY)


def _button(label: str, icon: str, **options: Any) -> pmui.Button:
    return pmui.Button(
        label=label, icon=icon, variant="outlined", size="small", margin=(8, 8, 8, 0), **options
    )
