"""Where tables are written to."""

import json
import os
import threading

import numpy as np
import pandas as pd
import pytest

from deepwas_app.errors import InputError
from deepwas_app.workflow.tables import Column, Table, json_text, tab_separated, write_text


def test_a_pipe_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    write_text("SNP\nrs1\n", pipe)
    reader.join(10)
    assert read == ["SNP\nrs1\n"]
    assert pipe.is_fifo()


def test_a_folder_or_nowhere_is_one_line_and_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_text("x", tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        write_text("x", tmp_path / "nowhere" / "f.tsv")
    assert list(tmp_path.iterdir()) == []


def test_json_has_null_where_a_number_is_not_finite():
    value = {
        "a": [np.float32(np.nan), {"b": np.inf}, (1.5, np.int64(2))],
        "c": {"d": float("nan"), "e": np.bool_(True), "f": None},
    }
    assert json.loads(json_text(value)) == {
        "a": [None, {"b": None}, [1.5, 2]],
        "c": {"d": None, "e": True, "f": None},
    }


SIZES = Table(
    "sizes",
    "One row a person.",
    (
        Column("IID", "Person", "who it is"),
        Column("HEIGHT", "Height", "measured |h|", "cm", ".1f"),
        Column("AGE", "Age", "at the time", "years", optional=True),
    ),
)
PEOPLE = pd.DataFrame({"IID": ["a", "b"], "HEIGHT": [171.234, np.nan]})


def test_text_of_a_table_has_its_formats_and_what_is_optional_only_if_it_is_there():
    assert SIZES.text(PEOPLE) == "IID\tHEIGHT\na\t171.2\nb\tNA\n"
    aged = PEOPLE.assign(AGE=[30, 40])
    assert SIZES.text(aged) == "IID\tHEIGHT\tAGE\na\t171.2\t30\nb\tNA\t40\n"
    assert SIZES.text(PEOPLE) == tab_separated(PEOPLE, {"HEIGHT": ".1f"})


@pytest.mark.parametrize(
    "frame", [PEOPLE[["IID"]], PEOPLE.assign(X=1), PEOPLE[["HEIGHT", "IID"]], pd.DataFrame()]
)
def test_other_columns_than_those_declared_are_an_error(frame):
    with pytest.raises(ValueError, match="table sizes has columns"):
        SIZES.text(frame)


def test_a_table_without_rows_has_its_columns():
    assert SIZES.frame([]).columns.tolist() == ["IID", "HEIGHT"]
    assert SIZES.frame([{"IID": "a", "HEIGHT": 1.0}]).equals(
        pd.DataFrame({"IID": ["a"], "HEIGHT": [1.0]})
    )


def test_columns_of_other_names_where_they_are_declared():
    open_ended = Table("scores", "People.", SIZES.columns, Column("*", "*", "phenotype"))
    frame = PEOPLE.assign(BMI=[20.0, 21.0])
    assert open_ended.text(frame).startswith("IID\tHEIGHT\tBMI\n")
    assert open_ended["BMI"].title == "BMI"
    with pytest.raises(KeyError, match="no column BMI"):
        SIZES["BMI"]


def test_part_of_a_table():
    part = SIZES.part("HEIGHT", name="heights")
    assert (part.name, part.names) == ("heights", ["HEIGHT"])
    assert part["HEIGHT"].heading == "Height (cm)"
    assert part.records(PEOPLE[["HEIGHT"]].head(1)) == [{"HEIGHT": 171.234}]


def test_documentation_of_a_table_names_unit_and_meaning():
    lines = SIZES.documentation().splitlines()
    assert lines[0] == "## sizes"
    assert "| `HEIGHT` | cm | measured \\|h\\| |" in lines
    assert "| `AGE` | years | at the time (where asked for) |" in lines


HOSTILE = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "=HYPERLINK(1)", "\t=1", "+A1", "-x"]
HONEST = [
    "-",
    "+",
    "=",
    "@",
    "-1.5",
    "+3e-7",
    "-inf",
    "-/T",
    "-A",
    "+AC,G",
    "rs1",
    "",
    "a=b",
    "1-2",
]


@pytest.mark.parametrize("kind", [object, "category", "string"])
def test_no_text_is_a_formula_of_a_spreadsheet(kind):
    frame = pd.DataFrame({"=name": pd.Series(HOSTILE + HONEST, dtype=kind), "x": -1.5})
    header, *lines = tab_separated(frame).split("\n")
    assert header == "'=name\tx"
    first = [line.rsplit("\t", 1)[0].strip('"') for line in lines if line]
    assert first == [f"'{word}" for word in HOSTILE] + HONEST
    assert all(line.endswith("\t-1.5") for line in lines if line)


def test_missing_values_and_numbers_beside_text_stay():
    frame = pd.DataFrame({"a": ["=x", None, -1.0, np.nan], "b": [-1, 2, 3, 4]})
    assert tab_separated(frame, {"b": ".1f"}) == "a\tb\n'=x\t-1.0\nNA\t2.0\n-1.0\t3.0\nNA\t4.0\n"
