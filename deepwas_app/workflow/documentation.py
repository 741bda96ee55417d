"""The documentation of all result tables: ``python -m deepwas_app.workflow.documentation``."""

import importlib
import pkgutil

import deepwas_app.workflow
from deepwas_app.workflow.tables import Table

HEAD = """# Result tables

Files are tab-separated with a header; missing values are NA. A name has one unit, which the header
leaves out, because other programs read it: it is here, and `deepwas info FILE` says it of every
column of a file. `gain` is nats wherever it stands; in 10⁻³ nats/variant it is `gain_per_variant`.

This page is made from the declarations beside the functions that compute the tables, by
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


def table_of(names: list[str]) -> Table | None:
    """The result table that a file with these columns holds, if it is one."""
    for table in result_tables().values():
        wanted = [c.name for c in table if not c.optional or c.name in names]
        if names == wanted and len(names) > 1:
            return table
    return None


def documentation() -> str:
    """All result tables as one Markdown page."""
    return "\n".join([HEAD, *(table.documentation() for table in result_tables().values())])


if __name__ == "__main__":
    print(documentation(), end="")
