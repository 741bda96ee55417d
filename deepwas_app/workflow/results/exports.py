"""The registry of exported tables: what other tools take from a fitted run.

Everywhere A1 is the effect allele, positions are 1-based, and effects are in standard deviations
of the phenotype.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from deepwas_app.genetics.regions import Region
from deepwas_app.registry import Registry
from deepwas_app.workflow.settings.base import Settings, plain
from deepwas_app.workflow.tables import Table

if TYPE_CHECKING:
    from deepwas_app.workflow.runs.fitted import Fitted


@dataclass(frozen=True)
class Export:
    """A file that another tool reads, made from a fitted run.

    Attributes
    ----------
    name
        Its flag in ``deepwas export`` without the dashes.
    title
        What people call it.
    doc
        What it is, in one line.
    purpose
        For which tool, and in which units: for the Export page, as Markdown.
    table
        Its columns.
    compute
        ``compute(study, run)`` gives the table; also takes the options by name, and `region`
        where it is of one. It may have more columns than are written, and in its attribute
        `doubts` what is to be doubted of it.
    ending
        Of its file's name, after the run's.
    text
        ``text(table, study, run)`` gives the file where it is more than the table's own text.
    region
        Whether it is of one region.
    options
        Its own settings.
    then
        A command that takes the file.
    row
        Characters of a row beside name, place and alleles of its variant, to tell how large the
        file will be; 0: not worth telling.
    order
        Where it stands among the others.
    """

    name: str
    title: str
    doc: str
    purpose: str
    table: Table
    compute: Callable[..., pd.DataFrame]
    ending: str
    text: Callable[[pd.DataFrame, xr.Dataset, "Fitted"], str] | None = None
    region: bool = False
    options: type[Settings] = Settings
    then: str = ""
    row: int = 0
    order: int = 100

    def arguments(
        self, options: Settings | None = None, region: Region | None = None
    ) -> dict[str, Any]:
        """What :attr:`compute` is told beside study and run: two exports may share a table."""
        given = plain(options or self.options())
        return given | ({"region": region} if self.region else {})

    def written(self, table: pd.DataFrame, study: xr.Dataset, run: "Fitted") -> str:
        """The file of a table that :attr:`compute` gave."""
        if self.text is not None:
            return self.text(table, study, run)
        return self.table.text(table[self.table.names])


EXPORTS: Registry[Export] = Registry("exports", "deepwas_app.workflow.results.exported")
