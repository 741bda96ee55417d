"""What is understood of a GWAS file, column by column, before anything is built from it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics.gwas.meaning import Meaning, understand
from deepwas_app.workflow.settings import GwasSettings
from deepwas_app.workflow.tables import Column, Table

# What is understood of a file of summary statistics.
UNDERSTOOD = Table(
    "understood",
    "What is understood of a file of summary statistics, one row a column.",
    (
        Column("ROLE", "What it is", "role of the column, empty where it is not used"),
        Column("COLUMN", "Column", "its name; empty where something is said elsewhere"),
        Column("WHY", "Why", "how it is known"),
        Column("VALUES", "First values", "the first values that are not missing"),
    ),
)


def understood_of(settings: GwasSettings, source: str | Path, build: str = "") -> Meaning:
    """What is understood of the columns of a file, in a time that does not depend on its size.

    Parameters
    ----------
    settings
        How the file is read.
    source
        The file.
    build
        Genome build that is preferred where the file has positions on several.
    """
    return understand(
        source,
        settings.format or "auto",
        column_roles(settings.column),
        population=settings.population,
        build=build,
    )


def column_roles(words: Iterable[str]) -> dict[str, str]:
    """Roles from words like ``z=ZSCORE``.

    Raises
    ------
    InputError
        If a word is not of this form.
    """
    pairs = [word.partition("=") for word in words]
    for role, _, column in pairs:
        if not role or not column:
            raise InputError(f"--column {role or column}: say ROLE=NAME, for example z=ZSCORE.")
    return {role.strip(): column.strip() for role, _, column in pairs}


def understood_table(record: Mapping[str, Any]) -> pd.DataFrame:
    """What was understood of the GWAS of a study, as the table of that name.

    Parameters
    ----------
    record
        With ``understood``; of a study that was made before there was such, with ``columns``.
    """
    rows = record.get("understood") or [
        {"role": role, "column": column, "why": "", "values": []}
        for role, column in record.get("columns", {}).items()
    ]
    return UNDERSTOOD.frame(
        [
            {
                "ROLE": row["role"],
                "COLUMN": row["column"],
                "WHY": row["why"],
                "VALUES": ", ".join(row["values"]),
            }
            for row in rows
        ]
    )
