"""Decimal commas, marks between thousands, letters of two bytes: read, or named in one line."""

import numpy as np
import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.gwas.sumstats import read_sumstats

HEADER = ["SNP", "CHR", "BP", "EA", "NEA", "BETA", "SE", "EAF", "P", "N"]
ROWS = [
    [
        *(f"rs{i}", "22", str(1_234_000 + 1_000 * i), "A", "G", f"{0.01 * (i - 6):.3f}"),
        *("0.011", "0.30", f"{0.05 * (i + 1):.2f}", "1000"),
    ]
    for i in range(12)
]


def text(separator: str = "\t", decimal: str = ".", thousands: str = "", quote: str = "") -> str:
    def cell(column: str, value: str) -> str:
        if column in ("BP", "N") and thousands:
            value = f"{int(value):,}".replace(",", thousands)
        elif column not in ("BP", "N"):
            value = value.replace(".", decimal)
        return f"{quote}{value}{quote}"

    lines = [map(cell, HEADER, row) for row in ROWS]
    return "".join(separator.join(line) + "\n" for line in [HEADER, *lines])


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ({"separator": ";", "decimal": ","}, "'0,30' in column EAF.*decimal point, not a comma"),
        ({"separator": "\t", "decimal": ","}, "'0,30' in column EAF.*decimal point"),
        ({"separator": " ", "decimal": ","}, "'0,30' in column EAF.*decimal point"),
        ({"separator": ",", "decimal": ",", "quote": '"'}, "'0,30' in column EAF.*decimal point"),
        ({"separator": ",", "decimal": ","}, "line 2 has 14 fields.*If its numbers have commas"),
        ({"thousands": ","}, "'1,234,000' in column BP.*without marks between the thousands"),
        ({"separator": ";", "thousands": "."}, "'1.234.000' in column BP.*without marks"),
        ({"separator": ",", "thousands": ",", "quote": '"'}, "'1,234,000' in column BP.*without"),
        ({"separator": ",", "thousands": ","}, "13 fields.*If its numbers have commas"),
    ],
)
def test_marks_in_numbers_are_named(tmp_path, layout, words):
    path = tmp_path / "gwas.txt"
    path.write_text(text(**layout))
    with pytest.raises(InputError, match=words) as caught:
        read_sumstats(path)
    assert "\n" not in str(caught.value)


def test_a_position_between_two_bases_is_no_position(tmp_path):
    path = tmp_path / "gwas.txt"
    # Below a million such a position reads as a number.
    path.write_text(text().replace("\t1237000\t", "\t12.370\t"))
    with pytest.raises(InputError, match=r"row 4 has 12\.37 as position.*without marks"):
        read_sumstats(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read_with_its_mark(tmp_path, encoding):
    path = tmp_path / "gwas.txt"
    path.write_bytes(text().encode(encoding))
    found = read_sumstats(path)
    expected = [float(row[5]) / float(row[6]) for row in ROWS]
    np.testing.assert_allclose(found["variant_z"], expected, rtol=1e-6)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_without_its_mark_is_named(tmp_path, encoding):
    path = tmp_path / "gwas.txt"
    path.write_bytes(text().encode(encoding))
    with pytest.raises(InputError, match="UTF-16 text without its mark: save it as UTF-8"):
        read_sumstats(path)
