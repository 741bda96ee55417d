"""The short part: a few mutations of each reader; and tables of every structure against csv."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepwas_app.errors import InputError
from deepwas_app.genetics.tables import read_table

from .harness import Case, Fuzz
from .stores import CASES

NUMBER = 4
# What no mark and no end of a line is in; quotes and blanks are.
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), max_size=6)


@pytest.mark.parametrize("case", [c for c in CASES if not c.slow], ids=lambda case: case.name)
def test_damaged_files_are_read_right_or_refused_in_a_line(case: Case, tmp_path: Path):
    fuzz = Fuzz(case, tmp_path, seed=1)
    for number in range(NUMBER):
        fuzz.once(number)
    assert fuzz.wrong == []
    assert sum(fuzz.counts.values()) == NUMBER


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_table_is_read_as_csv_reads_it_or_is_refused(tmp_path_factory, data):
    width = data.draw(st.integers(2, 4))
    mark = data.draw(st.sampled_from(",;"))
    row = st.lists(CELL, min_size=width, max_size=width)
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    names = [f"column{i}" for i in range(width)]
    path = tmp_path_factory.getbasetemp() / "a.csv"
    with path.open("w", newline="") as stream:
        end = data.draw(st.sampled_from(["\n", "\r\n"]))
        csv.writer(stream, delimiter=mark, lineterminator=end).writerows([names, *rows])
    with path.open(newline="") as stream:
        lines = stream.readlines()
    # Lines that are blank or begin with # are no rows, by this software's definition.
    kept = [line for line in lines if line.strip(" \t\r\n") and not line.startswith("#")]
    plain = [*csv.reader(io.StringIO("".join(kept)), delimiter=mark)][1:]
    try:
        found = read_table(path)
    except InputError:
        return
    assert found.columns.tolist() == names
    assert [[cell.strip() for cell in row] for row in found.to_numpy().tolist()] == [
        [cell.strip() for cell in row] for row in plain
    ]
