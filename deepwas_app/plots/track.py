"""What a track of the locus figure is, and what it may draw."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure

from deepwas_app.genetics.regions import Region

NAME_LETTERS = 22


class Other(NamedTuple):
    """A reference beside the first.

    Attributes
    ----------
    variant
        Its name.
    at
        Which of the drawn variants it is; None where it is not among them.
    r2
        Of the drawn variants with it, NaN where unknown; None while it is being computed.
    """

    variant: str
    at: int | None = None
    r2: np.ndarray | None = None


@dataclass(frozen=True)
class Locus:
    """All that tracks may draw of a stretch of the genome.

    Attributes
    ----------
    study, region, rows
        The study, the region on show, and its variants' rows in the study.
    variants
        The variants that are drawn, from `deepwas_app.plots.locus_points.locus_table`.
    reference, r2
        The drawn variant that the others are set beside, None for none, and their r² with it, NaN
        where unknown; None while it is being computed.
    others
        Up to two more references.
    pinned
        The drawn variants that people look at beside the reference; they are ringed.
    leads
        The drawn variants that lead a locus, whose names are written.
    genes
        All genes of the genome: ``chromosome``, ``start``, ``stop``, ``strand``, ``name``.
    known
        Associations that others found, from `deepwas_app.genetics.known.read_known`; None for none.
    annotations
        Names of the annotations to show, top first.
    values
        What was computed for the runs, by the name of the value (`VALUES` of
        ``deepwas_app.workflow.results.values``) and of the run: ``x`` (Mb), ``value``, ``variant``.
    chosen, measure
        The value that people chose to see, and the label of its axis.
    fine_mapping
        SNP, BP, PIP, CREDIBLE_SET, PIP_UNIFORM, CREDIBLE_SET_UNIFORM; None for no fine-mapping.
    width
        Pixels between the ends of the position axis on the screen; 0 where it is not known yet.
    """

    study: xr.Dataset
    region: Region
    rows: np.ndarray
    variants: pd.DataFrame
    genes: pd.DataFrame
    reference: int | None = None
    r2: np.ndarray | None = None
    others: tuple[Other, ...] = ()
    pinned: tuple[int, ...] = ()
    leads: tuple[int, ...] = ()
    known: pd.DataFrame | None = None
    annotations: tuple[str, ...] = ()
    values: Mapping[str, Mapping[str, pd.DataFrame]] = field(default_factory=dict)
    chosen: str = ""
    measure: str = ""
    fine_mapping: pd.DataFrame | None = None
    width: int = 0


class Track:
    """One track: figures over the shared position axis, made once; other data are put into them.

    Parameters
    ----------
    make
        Makes an empty figure of a height (pixels) with a label, over the shared axis.

    Attributes
    ----------
    name, order
        Its name, and where it stands: the smallest on top.
    title
        What people read of it where tracks are chosen; its name where there is none.
    label
        Of the y axis of its figure.
    height
        Pixels of each of its figures at its usual height; those that grow with what they draw
        set it there.
    needs
        Fields of `Locus` that it draws: it is drawn anew when one of them changes.
    values
        Names of the values per variant that it draws beside the chosen one: they are computed for
        the runs on show, and come into `Locus.values` one by one.
    figures
        One below the other.
    """

    name: ClassVar[str]
    order: ClassVar[int] = 50
    title: ClassVar[str] = ""
    label: ClassVar[str] = ""
    height: int = 130
    needs: ClassVar[frozenset[str]] = frozenset({"region", "variants"})
    values: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, make: Callable[[int, str], figure]) -> None:
        self.figures = [make(self.height, self.label)]

    def shown(self, locus: Locus) -> bool:
        """Whether there is anything to show; a track without is left out."""
        return True

    def draw(self, locus: Locus) -> None:
        """Put the data of a locus into the figures."""
        raise NotImplementedError

    def set_dark(self, dark: bool) -> None:
        """Take the ink of the light or the dark page for text inside of the figures."""

    def on_tap(self, callback: Callable[[int], None]) -> None:
        """Call ``callback(row)`` when a variant is clicked, where the track has variants."""


def run_values(
    study: xr.Dataset, rows: np.ndarray, values: Mapping[str, np.ndarray]
) -> dict[str, pd.DataFrame]:
    """One value of the variants of a region by run name, as `Locus.values` has it."""
    x = study["variant_position"].values[rows] / 1e6
    variant = study["variant_id"].values[rows].astype(str)
    return {
        name: pd.DataFrame({"x": x, "value": value, "variant": variant})
        for name, value in values.items()
    }


def empty_source(*columns: str) -> ColumnDataSource:
    """A data source without rows."""
    return ColumnDataSource({name: [] for name in columns})


def strongest_of_column(
    x: np.ndarray, values: np.ndarray, ends: tuple[float, float], columns: int
) -> np.ndarray:
    """Of values along an axis, those that a screen can tell apart: the largest of each column."""
    if len(x) <= columns:
        return np.arange(len(x))
    column = (x - ends[0]) / max(ends[1] - ends[0], 1e-9) * columns
    order = np.argsort(-np.nan_to_num(np.abs(values), nan=-1.0), kind="stable")
    _, first = np.unique(column.astype(int)[order], return_index=True)
    return np.sort(order[first])


def columns_of(table: pd.DataFrame) -> dict[str, Any]:
    """The columns of a table as a data source takes them."""
    return {str(name): table[name].to_numpy() for name in table.columns}


def shortened(name: str) -> str:
    """A name that fits beside a track."""
    return name if len(name) <= NAME_LETTERS else name[: NAME_LETTERS - 1] + "…"
