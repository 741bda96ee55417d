"""The card of a training as it runs: its progress, its numbers, its curves."""

import math
from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from deepwas_app.app import store
from deepwas_app.app.components import figure_values, figures
from deepwas_app.app.job_view import JobView, duration, job_in_turn
from deepwas_app.app.jobs import Job, Status
from deepwas_app.plots.train import MILLI, LiveCurves
from deepwas_app.workflow.runs.memory import used_memory
from deepwas_app.workflow.tables import with_error

LATER = "…"


class TrainingCard(pn.viewable.Viewer):
    """One job of training. ``refresh`` is called by the session's timer.

    Parameters
    ----------
    on_over
        Called with a job that was being watched when it is over.
    """

    def __init__(self, on_over: Callable[[Job], None]) -> None:
        super().__init__()
        self.progress = JobView(on_over=on_over)
        self.curves = LiveCurves()
        self._cursor = 0
        self._best: Any = None
        self._rate: float | None = None
        self.numbers = figures(self._cards(), least=140)
        self._layout = pmui.Column(
            self.progress,
            self.numbers,
            *(
                pn.pane.Bokeh(figure, sizing_mode="stretch_width", margin=0)
                for figure in (self.curves.loss, self.curves.gain)
            ),
            sizing_mode="stretch_width",
        )

    def watch(self, job: Job | None) -> None:
        """Show this job from now on."""
        self._cursor, self._best, self._rate = 0, None, None
        self.curves.clear()
        self.progress.watch(job)
        self._say()

    def refresh(self) -> None:
        """Stream what the job has yielded since the last time."""
        job = self.progress.job
        if job is None:
            return
        new = job.events[self._cursor :]
        if new:
            self._cursor += len(new)
            self.curves.extend(new)
            self._best = next((s for s in reversed(new) if s.noise), self._best)
        self.progress.refresh()
        self._say()

    def _say(self) -> None:
        said = figure_values(self._cards())
        # Not at every tick, which would be work for the browser.
        if self.numbers.object != said:
            self.numbers.object = said

    def _cards(self) -> list[tuple[str, str, str]]:
        job = self.progress.job
        running = job is not None and job.status is Status.RUNNING
        done = job.result.summary if job and job.status is Status.DONE and job.result else {}
        gain, h2, s2, kappa = self._found(done, LATER if running else "–")
        held = used_memory() if running else math.nan
        memory = f"{held / 1e9:.1f} GB" if math.isfinite(held) else "–"
        left = job.seconds_left if running and job else None
        return [
            ("Held-out gain", gain, "10⁻³ nats per variant over the constant prior ± s.e."),
            ("h²", h2, "Heritability of the study's variants ± s.e., when training is over"),
            ("s²", s2, "Noise scale; 1 where nothing inflates the z-scores"),
            ("κ", kappa, "Mismatch between the LD of panel and GWAS"),
            ("Rate", self._speed(job) if running else "–", "Steps a second"),
            ("Memory", memory, "What the program holds now"),
            ("Time left", duration(left) or (LATER if running else "–"), "An estimate"),
        ]

    def _found(self, done: dict[str, Any], wait: str) -> list[str]:
        """Gain, heritability and noise: of the run when it is done, until then of the last pass."""
        if done:
            gain = "nothing held out"
            if done["gain"] is not None:
                scale = MILLI / max(done["variants"], 1)
                gain = with_error(scale * done["gain"], scale * done["gain_se"], 2)
            h2 = with_error(done["h2"], done["h2_se"], 4)
            return [gain, h2, f"{done['s2']:.3f}", f"{done['kappa']:.4f}"]
        if self._best is None:
            return [wait] * 4
        last = self._best
        gain = wait
        if last.held_out_gain is not None:
            gain = with_error(MILLI * last.held_out_gain, MILLI * last.held_out_gain_se, 2)
        s2, kappa = last.noise
        return [gain, wait, f"{s2:.3f}", f"{kappa:.4f}"]

    def _speed(self, job: Job | None) -> str:
        last = job.events[-1] if job and job.events else None
        if last is not None and last.seconds_left and last.steps > last.step:
            self._rate = (last.steps - last.step) / last.seconds_left
        return LATER if self._rate is None else f"{self._rate:.3g} steps/s"

    def __panel__(self) -> pmui.Column:
        return self._layout


def training_in_turn(study: Any) -> Job | None:
    """The training of a study to look at."""
    return job_in_turn("train", store.study_hash(study))
