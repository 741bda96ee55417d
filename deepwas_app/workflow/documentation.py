"""The documentation of all result tables: ``python -m deepwas_app.workflow.documentation``."""

import importlib
import pkgutil

import deepwas_app.workflow
from deepwas_app.workflow.tables import Table

HEAD = """# Result tables

Files are tab-separated with a header; missing values are NA. This page is made from the
declarations beside the functions that compute the tables, by
`python -m deepwas_app.workflow.documentation > docs/tables.md`.
"""


def result_tables() -> dict[str, Table]:
    """Every table that a module of ``workflow`` declares, by name."""
    found: dict[str, Table] = {}
    for module in pkgutil.walk_packages(
        deepwas_app.workflow.__path__, f"{deepwas_app.workflow.__name__}."
    ):
        declared = vars(importlib.import_module(module.name)).values()
        found |= {table.name: table for table in declared if isinstance(table, Table)}
    # Of which the tables of variants are made; nobody writes it.
    found.pop("variant")
    return dict(sorted(found.items()))


def documentation() -> str:
    """All result tables as one Markdown page."""
    return "\n".join([HEAD, *(table.documentation() for table in result_tables().values())])


if __name__ == "__main__":
    print(documentation(), end="")
