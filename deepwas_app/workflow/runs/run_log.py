"""The log beside a run: what was asked for, what each pass found, and how it ended."""

import time
from pathlib import Path
from typing import Any

from deepwas_app.workflow.settings.base import plain
from deepwas_app.workflow.settings.training import TrainSettings


class RunLog:
    """Lines with their time, added to NAME.log beside NAME.run.

    Parameters
    ----------
    run
        The run folder.
    """

    def __init__(self, run: Path) -> None:
        self.path = run.with_suffix(".log")
        self._run = run

    def begin(self, study: str, settings: TrainSettings) -> None:
        """What is trained, and by which versions."""
        import jax

        import deepwas_app

        knobs = [f"{name} {value}" for name, value in plain(settings).items() if value != ""]
        version = f"deepwas {deepwas_app.__version__}, JAX {jax.__version__}"
        device = jax.devices()[0]
        self._write(f"{version} on {device.device_kind}", f"study {study}", ", ".join(knobs))

    def step(self, step: Any) -> None:
        """A pass with its losses; nothing of steps in the middle of one."""
        if step.checkpoint is None and step.step:
            return
        words = [step.message]
        if step.step:
            words.append(f"training loss {step.train_loss:.6g} nats/variant")
        if step.held_out_gain is not None:
            words.append(f"held-out gain {1e3 * step.held_out_gain:+.4g} 10⁻³ nats/variant")
        self._write(", ".join(words))

    def close(self, problem: BaseException | None) -> None:
        """What ended it early, if anything; nothing is left beside a run that is gone again."""
        if not self._run.exists():
            self.path.unlink(missing_ok=True)
        elif isinstance(problem, GeneratorExit | KeyboardInterrupt):
            self._write("stopped; --resume goes on")
        elif problem is not None:
            self._write(f"{type(problem).__name__}: {problem}")

    def end(self, summary: dict[str, Any]) -> None:
        """What came of it."""
        self._write(", ".join(f"{name} {value}" for name, value in summary.items()))

    def _write(self, *lines: str) -> None:
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        with self.path.open("a", encoding="utf-8") as log:
            log.writelines(f"{now} {line}\n" for line in lines)
