"""The choice of what is held out: by the software, by chromosome, by LD block, or nothing."""

from typing import Any

import panel as pn
import panel_material_ui as pmui
import param
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.plots.compare import place

AUTOMATIC, CHROMOSOMES, BLOCKS, NOTHING = "Automatic", "Chromosomes", "LD blocks", "Nothing"


class HeldOut(pn.viewable.Viewer):
    """Widgets that say what is held out, for any settings with ``test_chromosomes``.

    Parameters
    ----------
    study
        The study whose chromosomes and blocks are offered.
    """

    def __init__(self, study: xr.Dataset) -> None:
        super().__init__()
        chromosome = study["block_chromosome"].values.astype(str)
        names = list(dict.fromkeys(chromosome.tolist()))
        several = len(names) > 1
        self.mode = pmui.RadioButtonGroup(
            label="Held out",
            options=[AUTOMATIC, *([CHROMOSOMES] if several else []), BLOCKS, NOTHING],
            value=AUTOMATIC,
            size="small",
            margin=(4, 0),
            sizing_mode="stretch_width",
            sx={"& .MuiToggleButton-root": {"whiteSpace": "nowrap"}},
        )
        where = map(place, chromosome, study["block_start"].values, study["block_stop"].values)
        self.chromosomes = _choice("Held-out chromosomes", {name: name for name in names})
        self.blocks = _choice(
            "Held-out LD blocks",
            {f"#{b} · {where}": str(b) for b, where in enumerate(where)},
        )
        hint = pmui.Typography("", variant="caption", sx={"color": "text.secondary"}, margin=(0, 0))
        hints = {
            AUTOMATIC: f"About a quarter of the {'chromosomes' if several else 'LD blocks'}.",
            NOTHING: "Trains on everything; no held-out likelihood is measured.",
        }

        def changed(mode: str) -> None:
            self.chromosomes.visible = mode == CHROMOSOMES
            self.blocks.visible = mode == BLOCKS
            hint.object = hints.get(mode, "")
            hint.visible = mode in hints

        self.mode.param.watch(lambda event: changed(event.new), "value")
        changed(AUTOMATIC)
        self._layout = pmui.Column(
            self.mode,
            hint,
            self.chromosomes,
            self.blocks,
            sizing_mode="stretch_width",
        )

    def write(self, settings: param.Parameterized) -> None:
        """Put the choice into the settings of a run or a sweep.

        Raises
        ------
        InputError
            If chromosomes or blocks are to be chosen, and none is.
        """
        mode = self.mode.value
        chooser = {CHROMOSOMES: self.chromosomes, BLOCKS: self.blocks}.get(mode)
        if chooser is not None and not chooser.value:
            raise InputError("Held out: nothing is chosen. Choose some, or Automatic or Nothing.")
        settings.param.update(
            test_chromosomes={
                NOTHING: "none",
                CHROMOSOMES: ",".join(self.chromosomes.value),
            }.get(mode, ""),
            test_blocks=",".join(self.blocks.value) if mode == BLOCKS else "",
        )

    def __panel__(self) -> pmui.Column:
        return self._layout


def _choice(label: str, options: dict[str, str]) -> Any:
    return pmui.MultiChoice(
        label=label,
        options=options,
        value=[],
        visual_size="small",
        sizing_mode="stretch_width",
        margin=(6, 0),
        delete_button=True,
    )
