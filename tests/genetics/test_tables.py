"""Every line of a table is a row, or is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import read_header
from deepwas_app.genetics.lines import line_of
from deepwas_app.genetics.tables import (
    LEVELS,
    NUMBER,
    TEXT,
    read_bare_table,
    read_columns,
    read_table,
    whole_numbers,
)

KINDS = {"SNP": TEXT, "BP": NUMBER, "GENE": TEXT, "A1": LEVELS}
ROWS = [(f"rs{i}", str(1000 + i), f"G{i % 7}", "ACGT"[i % 4]) for i in range(2000)]


def written(path: Path, rows: list[tuple[str, ...]] | None = None, mark: str = "\t") -> Path:
    lines = [mark.join(row) for row in [(*KINDS,), *(rows or ROWS)]]
    path.write_text("\n".join(lines) + "\n")
    return path


def gene(name: str, *at: int) -> list[tuple[str, ...]]:
    return [(a, b, name if i in at else c, d) for i, (a, b, c, d) in enumerate(ROWS)]


@pytest.mark.parametrize("mark", ["\t", " ", "   "])
@pytest.mark.parametrize("at", [(3,), (10, 700), (0, 1, 1999)])
def test_a_quote_is_a_letter_between_tabs_and_spaces(tmp_path: Path, mark: str, at):
    path = written(tmp_path / "a.txt", gene('"RP11', *at), mark)
    table = read_columns(path, KINDS)
    assert table["SNP"].to_pylist() == [row[0] for row in ROWS]
    assert table["BP"].to_pylist() == [float(row[1]) for row in ROWS]
    assert [i for i, name in enumerate(table["GENE"].to_pylist()) if name == '"RP11'] == [*at]
    assert len(read_table(path)) == len(ROWS)


def test_quotes_around_whole_fields_are_none_of_them(tmp_path: Path):
    """As R's write.table writes them, numbers too where they are text."""
    quoted = [tuple(f'"{cell}"' for cell in row) for row in ROWS]
    quoted[5] = (quoted[5][0], quoted[5][1], '"a gene, 5\' of it"', '""')
    for mark in ("\t", " ", ","):
        table = read_columns(written(tmp_path / "a.txt", quoted, mark), KINDS)
        assert table["SNP"][7].as_py() == "rs7"
        assert table["BP"][1999].as_py() == 2999
        assert table["GENE"][5].as_py() == "a gene, 5' of it"
        assert table["A1"][5].as_py() is None
        assert table["A1"][6].as_py() == "G"


@pytest.mark.parametrize("at", [(4,), (4, 900)])
def test_a_field_of_a_csv_ends_with_its_line(tmp_path: Path, at):
    path = written(tmp_path / "a.csv", gene('"RP11', *at), ",")
    with pytest.raises(InputError, match=r"a.csv: line 6 opens a quote that it does not close"):
        read_columns(path, KINDS)
    path = written(tmp_path / "a.csv", gene('"A,B ""C"""', *at), ",")
    assert read_columns(path, KINDS)["GENE"][4].as_py() == 'A,B "C"'


def test_comments_and_blank_lines_are_no_rows(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"# by hand\n\nchr\tbp\n\n1\t2e+07\n# half\n\r\n#NA\t3\n \n\t\n2\t4")
    table = read_columns(path, {"chr": TEXT, "bp": NUMBER})
    assert table["chr"].to_pylist() == ["1", None, "2"]
    assert table["bp"].to_pylist() == [2e7, 3, 4]
    assert [line_of(path, row, lines=3) for row in range(3)] == [5, 8, 11]


@pytest.mark.parametrize(
    "code",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace("\t", ";").encode(),
        lambda text: gzip.compress(text[:9].encode()) + gzip.compress(text[9:].encode()),
    ],
)
def test_text_of_every_kind_is_read(tmp_path: Path, code):
    path = tmp_path / "a.txt"
    path.write_bytes(code("SNP\tBP\nrs1\t1\nrs2\t+2\nrs3\t3e0\n"))
    assert read_header(path) == ["SNP", "BP"]
    assert read_columns(path, {"BP": NUMBER})["BP"].to_pylist() == [1, 2, 3]
    assert read_table(path)["SNP"].tolist() == ["rs1", "rs2", "rs3"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SNP\tBP\nrs1\t1\nrs2\t0,5\n", "line 3 has '0,5' in column BP.* decimal point"),
        ("SNP\tBP\nrs1\t1\nrs2\t1,234,567\n", "line 3 has '1,234,567'.*marks between the thous"),
        ("SNP\tBP\nrs1\t1\nSNP\tBP\n", "line 3 has 'BP' in column BP, where a number"),
        ("SNP\tBP\n1\trs1\t1\n2\trs2\t2\n", "line 2 has 3 fields.* row.names = FALSE"),
        ("SNP\tBP\nrs1\t1\nrs2\n", "line 3 has 1 fields, but the header has 2"),
        ("SNP\tP\tBP\tP\nrs1\t1\t1\t2\n", "2 columns 'P': rename or drop one"),
        ("S\x00N\x00P\x00\t\x00B\x00P\x00\n\x00", "UTF-16 text without its mark"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, words: str):
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_columns(path, {"SNP": TEXT, "BP": NUMBER})
    assert "\n" not in str(caught.value)


def test_a_column_that_is_not_there_is_named(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("SNP\tBP\nrs1\t1\n")
    with pytest.raises(InputError, match=r"has no column ALT \(SNP, BP\)"):
        read_table(path, ["SNP", "ALT"])


def test_bgzf_without_its_end_is_truncated(tmp_path: Path):
    """Its blocks are whole gzip files, so that no decompressor misses those that are not there."""
    data = b"".join(f"rs{i}\t{i}\n".encode() for i in range(1000))
    block = gzip.compress(b"SNP\tBP\n" + data)
    extra = b"\x06\x00BC\x02\x00" + (len(block) + 7).to_bytes(2, "little")
    block = block[:3] + b"\x04" + block[4:10] + extra + block[10:]
    end = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
    path = tmp_path / "a.txt.gz"
    path.write_bytes(block + end)
    assert read_columns(path, {"BP": NUMBER}).num_rows == 1000
    path.write_bytes(block)
    with pytest.raises(InputError, match=r"a\.txt\.gz: is truncated"):
        read_columns(path, {"BP": NUMBER})


def test_tables_without_a_header(tmp_path: Path):
    path = tmp_path / "a.bim"
    path.write_text("22 rs1 0 2e+07 A G\n22 rs2 0 5 C T\n")
    table = read_bare_table(path, ["chromosome", "id", "cm", "position"])
    assert table["id"].tolist() == ["rs1", "rs2"]
    assert whole_numbers(path, table["position"], "position").tolist() == [20_000_000, 5]
    with pytest.raises(InputError, match=r"row 2 has .5\.5. as position"):
        whole_numbers(path, ["5", "5.5"], "position")
    path.write_text("22 rs1 0 1 A G\n22 rs2 0 5 C\n")
    with pytest.raises(InputError, match="line 2 has 5 fields, but the first line has 6"):
        read_bare_table(path, ["chromosome"])
