"""The result tables that there are, and their documentation."""

from pathlib import Path

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
