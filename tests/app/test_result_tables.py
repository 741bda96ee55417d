"""Numbers of result tables as pages show them: the browser's own template, run by node if there."""

import json
import re
import shutil
import subprocess

import pandas as pd
import pytest

from deepwas_app.app.result_tables import REAL, TABLE_STYLE, page_table
from deepwas_app.workflow.tables import Column, Table

SHOWN = Table(
    "shown",
    "Numbers.",
    (
        Column("name", "Name", "its name"),
        Column("share", "Share", "three decimals"),
        Column("p", "P", "significant digits", digits=None),
        Column("count", "Count", "whole"),
    ),
)
FRAME = pd.DataFrame({"name": ["a"], "share": [2.5e-7], "p": [3.21e-8], "count": [3]})


def test_numbers_stand_below_their_headers():
    widget = page_table(SHOWN, FRAME)
    assert widget.header_align == dict.fromkeys(("share", "p", "count"), "right")
    assert widget.header_align == widget.text_align


def test_the_header_of_a_wide_last_column_is_at_its_right():
    assert re.search(r'title\[style\*="text-align: right"\] \{ margin-left: auto', TABLE_STYLE)


def test_wide_tables_scroll():
    assert re.search(r"\.tabulator-tableholder \{[^}]*overflow-x: auto", TABLE_STYLE)


def test_real_numbers_have_the_template_with_their_digits():
    formatters = page_table(SHOWN, FRAME).formatters
    assert formatters["share"].template == REAL.format(digits=3)
    assert formatters["p"].template == REAL.format(digits="null")
    assert formatters["count"]["type"] == "money"


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
@pytest.mark.parametrize(
    ("digits", "value", "shown"),
    [
        (3, 0.1234, "0.123"),
        (3, 3.2e-8, "3.2e-8"),
        (3, -0.0004, "-4.0e-4"),
        (3, 0.0, "0.000"),
        (2, 12345.678, "12,345.68"),
        (None, 3.21e-8, "3.21e-8"),
        (None, 1e-310, "1.00e-310"),
        (None, 0.04567, "0.0457"),
        (None, 123456.0, "1.23e5"),
        (None, None, ""),
        (3, None, ""),
    ],
)
def test_no_number_is_shown_as_zero_that_is_not(digits, value, shown):
    template = REAL.format(digits="null" if digits is None else digits)
    code, end = template.removeprefix("<%").split("%>")[:2]
    assert end == "<%= said "
    script = f"const value = {json.dumps(value)};{code};process.stdout.write(said)"
    assert subprocess.run(["node", "-e", script], capture_output=True, text=True).stdout == shown
