"""The result tables that there are, and their documentation."""

from pathlib import Path

import pandas as pd

from deepwas_app.workflow.documentation import documentation, result_tables

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"


def test_every_column_says_what_it_is_and_is_told_apart():
    tables = result_tables()
    assert {"effects", "quantiles", "comparison", "fine-mapping", "snpvar", "scores"} <= set(tables)
    for table in tables.values():
        assert len(set(table.names)) == len(table.names), table.name
        assert all(column.title and column.meaning for column in table), table.name


def test_documentation_is_that_of_the_declarations():
    assert PAGE.read_text() == documentation(), "make it again: its first lines say how"


def test_written_numbers_keep_their_digits():
    """One row of one number and one word a table, as other people's programs read them."""
    lines = []
    for table in result_tables().values():
        row = {c.name: 0.0123456789012345 if c.format else "x" for c in table}
        lines.append(f"# {table.name}\n{table.text(pd.DataFrame([row]))}")
    assert "".join(lines) == (Path(__file__).parent / "written_tables.txt").read_text()
