"""Pictures of studies and of what was fitted to them, as ``dw.plot``.

Each function takes a study and runs, open or by path, or a result, and gives a HoloViews object;
:func:`locus` gives Bokeh figures, one below the other. They show as the last line of a notebook
cell, where nothing needs to be set up before; HoloViews objects go side by side with ``+`` and over
each other with ``*``. :func:`save` writes any of them to a file.

Examples
--------
In those below ``study`` is ``dw.open_study("height_chr22")``, and ``run`` the last step of
``dw.fit(study, "linear")``.

>>> import deepwas_app as dw
>>> dw.plot.manhattan("height_chr22") + dw.plot.qq("height_chr22")  # doctest: +SKIP
>>> dw.plot.save(dw.plot.locus("height_chr22", "MYH9"), "MYH9.svg")  # doctest: +SKIP
"""

from deepwas_app.cells.files import save
from deepwas_app.cells.pictures import show_plots
from deepwas_app.plot.regions import locus
from deepwas_app.plot.results import along_genome, comparison, drivers, score_deciles, score_density
from deepwas_app.plot.runs import effects, enrichment, held_out_gain, quantiles, response, scaling
from deepwas_app.plot.studies import (
    alignment,
    correlations,
    frequency,
    manhattan,
    qq,
    spectrum,
    z_histogram,
)

__all__ = [
    "alignment",
    "along_genome",
    "comparison",
    "correlations",
    "drivers",
    "effects",
    "enrichment",
    "frequency",
    "held_out_gain",
    "locus",
    "manhattan",
    "qq",
    "quantiles",
    "response",
    "save",
    "scaling",
    "score_deciles",
    "score_density",
    "spectrum",
    "z_histogram",
]

show_plots()


def __dir__() -> list[str]:
    return __all__
