"""The result tables that there are, and their documentation."""

import json
from pathlib import Path

import pandas as pd

from deepwas_app.cli import main
from deepwas_app.workflow.documentation import documentation, result_tables
from deepwas_app.workflow.info import info
from deepwas_app.workflow.results.export import export

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"


def test_every_column_says_what_it_is_and_is_told_apart():
    tables = result_tables()
    assert {"effects", "quantiles", "comparison", "fine-mapping", "snpvar", "scores"} <= set(tables)
    for table in tables.values():
        assert len(set(table.names)) == len(table.names), table.name
        assert all(column.title and column.meaning for column in table), table.name


def test_a_name_has_one_unit():
    units: dict[str, set[str]] = {}
    for table in result_tables().values():
        for column in table:
            units.setdefault(column.name, set()).add(column.unit)
    assert {name: found for name, found in units.items() if len(found) > 1} == {}
    assert units["gain"] == {"nats"}
    assert units["gain_per_variant"] == {"10⁻³ nats/variant"}


def test_a_file_of_results_tells_its_units(small_study, small_runs, tmp_path, capsys):
    """Headers are bare names, for other programs."""
    file = str(tmp_path / "e.tsv")
    assert main(["evaluate", str(small_runs.linear.path), "-o", file]) == 0
    assert main(["info", file, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["kind"] == "result table, evaluation"
    assert {row["column"]: row["unit"] for row in told["columns"]}["gain"] == "nats"
    assert [row["column"] for row in told["columns"]] == Path(file).read_text().split("\n")[
        0
    ].split()
    region = f"{small_study['variant_chromosome'].values[0]}:1-100000"
    names = {"snpvar": "snpvar", "weights": "weights", "pgs_catalog": "pgs-catalog"}
    files = {knob: str(tmp_path / knob) for knob in (*names, "ssf", "susie")}
    export(small_study, small_runs.linear, region=region, posterior="normal", **files)
    for knob, name in (names | {"susie": "prior-weights"}).items():
        assert info(files[knob])["kind"] == f"result table, {name}"
    # Which is both, and more of a GWAS.
    assert info(files["ssf"])["kind"] == "summary statistics, GWAS-SSF"


def test_documentation_is_that_of_the_declarations():
    assert PAGE.read_text() == documentation(), "make it again: its first lines say how"


def test_written_numbers_keep_their_digits():
    """One row of one number and one word a table, as other people's programs read them."""
    lines = []
    for table in result_tables().values():
        row = {c.name: 0.0123456789012345 if c.format else "x" for c in table}
        lines.append(f"# {table.name}\n{table.text(pd.DataFrame([row]))}")
    assert "".join(lines) == (Path(__file__).parent / "written_tables.txt").read_text()
