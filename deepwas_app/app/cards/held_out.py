"""The choice of what is held out: by the software, by chromosome, by LD block, or nothing."""

from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui
import param
import xarray as xr

from deepwas_app.app.chromosome_bar import ChromosomeBar
from deepwas_app.errors import InputError
from deepwas_app.plots.compare import place
from deepwas_app.plots.theme import series_colour
from deepwas_app.workflow.runs.folds import fold_blocks
from deepwas_app.workflow.runs.split import split_blocks

AUTOMATIC, CHROMOSOMES, BLOCKS, NOTHING = "Automatic", "Chromosomes", "LD blocks", "Nothing"
# More would be too narrow to click.
MOST = 60


class HeldOut(pn.viewable.Viewer):
    """Widgets that say what is held out, for any settings with ``test_chromosomes``.

    Below them a bar shows it, and can be clicked: the chromosomes, or the LD blocks of one.

    Parameters
    ----------
    study
        The study whose chromosomes and blocks are offered.
    """

    def __init__(self, study: xr.Dataset) -> None:
        super().__init__()
        self._study = study
        self._folds = self._validation = ""
        self._chromosome = study["block_chromosome"].values.astype(str)
        self._names = list(dict.fromkeys(self._chromosome.tolist()))
        several = len(self._names) > 1
        self.mode = pmui.RadioButtonGroup(
            label="Held out",
            options=[AUTOMATIC, *([CHROMOSOMES] if several else []), BLOCKS, NOTHING],
            value=AUTOMATIC,
            size="small",
            margin=(4, 0),
            sizing_mode="stretch_width",
            sx={"& .MuiToggleButton-root": {"whiteSpace": "nowrap", "px": "7px"}},
        )
        self._places = list(
            map(place, self._chromosome, study["block_start"].values, study["block_stop"].values)
        )
        self.chromosomes: list[str] = []
        self.blocks = pmui.MultiChoice(
            label="Held-out LD blocks",
            options={f"#{b} · {where}": str(b) for b, where in enumerate(self._places)},
            value=[],
            visual_size="small",
            sizing_mode="stretch_width",
            margin=(6, 0),
            delete_button=True,
        )
        what = "chromosomes" if several else "LD blocks"
        self.bar = ChromosomeBar(
            label=f"Held-out {what}: choose by clicking",
            sizing_mode="stretch_width",
            margin=(4, 0, 8, 0),
            visible=several or study.sizes["blocks"] <= MOST,
        )
        self._hint = pmui.Typography(
            "", variant="caption", sx={"color": "text.secondary"}, margin=(0, 0)
        )
        self._hints = {
            AUTOMATIC: f"About a quarter of the {what}: those marked. Click to choose others.",
            CHROMOSOMES: "Click the chromosomes to hold out.",
            NOTHING: "Trains on everything; no held-out likelihood is measured.",
        }
        self._showing = False
        self.mode.param.watch(self._show, "value")
        self.blocks.param.watch(self._show, "value")
        self.bar.param.watch(self._clicked, "value")
        self._show()
        self._layout = pmui.Column(
            self.mode, self._hint, self.bar, self.blocks, sizing_mode="stretch_width"
        )

    def follow(self, folds: str = "", validation: str = "") -> None:
        """Show the folds of a cross-fitting, and leave out what is for validation."""
        self._folds, self._validation = folds, validation
        self._show()

    def choose(self, settings: param.Parameterized) -> None:
        """Take over what settings hold out."""
        named, blocks = (
            [item for item in str(getattr(settings, name)).split(",") if item]
            for name in ("test_chromosomes", "test_blocks")
        )
        if named == ["none"] and not blocks:
            self.mode.value = NOTHING
        elif blocks:
            self.blocks.value = blocks
            self.mode.value = BLOCKS
        else:
            self.chromosomes = named
            self.mode.value = CHROMOSOMES if named and len(self._names) > 1 else AUTOMATIC
        self._show()

    def write(self, settings: param.Parameterized) -> None:
        """Put the choice into the settings of a run or a sweep.

        Raises
        ------
        InputError
            If chromosomes or blocks are to be chosen, and none is.
        """
        mode = self.mode.value
        chosen = {CHROMOSOMES: self.chromosomes, BLOCKS: self.blocks.value}.get(mode)
        if chosen is not None and not chosen:
            raise InputError("Held out: nothing is chosen. Choose some, or Automatic or Nothing.")
        settings.param.update(
            test_chromosomes={
                NOTHING: "none",
                CHROMOSOMES: ",".join(self.chromosomes),
            }.get(mode, ""),
            test_blocks=",".join(self.blocks.value or []) if mode == BLOCKS else "",
        )

    def _show(self, *_: Any) -> None:
        mode = self.mode.value
        self.blocks.visible = mode == BLOCKS
        self._hint.object = self._hints.get(mode, "")
        self._hint.visible = mode in self._hints
        self._showing = True
        self.bar.param.update(parts=self._parts(), value=self._held())
        self._showing = False

    def _held(self) -> list[str]:
        """What the bar marks as held out."""
        mode, several = self.mode.value, len(self._names) > 1
        if mode == CHROMOSOMES:
            return list(self.chromosomes)
        if mode == BLOCKS and not several:
            return list(self.blocks.value or [])
        if mode == AUTOMATIC:
            try:
                test = split_blocks(
                    self._study, validation_chromosomes=self._validation
                ).test.tolist()
            except InputError:
                # It is said when training starts.
                return []
            if not several:
                return list(map(str, test))
            return list(dict.fromkeys(self._chromosome[test].tolist()))
        return []

    def _parts(self) -> list[Any]:
        """Names of what the bar offers, words, widths, and colours of folds."""
        fold = self._fold_of_blocks()
        scored = self._study["block_components"].values.astype(float)
        if len(self._names) == 1:
            return [
                [str(b), f"LD block {b}, {where}{_in_fold(f)}", float(max(size, 1)), _colour(f)]
                for b, (where, size, f) in enumerate(zip(self._places, scored, fold, strict=True))
            ]
        parts = []
        for name in self._names:
            own = self._chromosome == name
            of = set(fold[own].tolist()) - {-1}
            one = of.pop() if len(of) == 1 else -1
            blocks = int(own.sum())
            words = f"Chromosome {name}, {blocks} LD block{'s' * (blocks != 1)}{_in_fold(one)}"
            parts.append([name, words, float(max(scored[own].sum(), 1)), _colour(one)])
        return parts

    def _fold_of_blocks(self) -> np.ndarray:
        """Number of the fold of each LD block, -1 where there is none."""
        fold = np.full(len(self._chromosome), -1)
        try:
            found = fold_blocks(self._study, self._folds) if self._folds else []
        except InputError:
            # It is said when training starts.
            found = []
        for number, blocks in enumerate(found):
            fold[blocks] = number
        return fold

    def _clicked(self, event: Any) -> None:
        if self._showing:
            return
        if len(self._names) > 1:
            self.chromosomes = [name for name in self._names if name in event.new]
            self.mode.value = CHROMOSOMES
        else:
            self.blocks.value = sorted(event.new, key=int)
            self.mode.value = BLOCKS
        self._show()

    def __panel__(self) -> pmui.Column:
        return self._layout


def _in_fold(number: int) -> str:
    return "" if number < 0 else f", fold {number + 1}"


def _colour(number: int) -> str:
    return "" if number < 0 else series_colour(number)
