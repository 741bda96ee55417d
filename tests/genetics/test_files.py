from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import file_record, read_header
from deepwas_app.genetics.tables import read_table
from deepwas_app.genetics.writing import replacing_file, replacing_folder


def test_a_record_identifies_the_file(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"abc")
    assert file_record(path, "text", "annotations") == {
        "path": str(path),
        "format": "text",
        "size": 3,
        "sha256": hashlib.sha256(b"abc").hexdigest(),
        "role": "annotations",
    }


@pytest.mark.parametrize(
    "text",
    [
        "##made by hand\n##twice\n#a\tb b\tc\n1\t2\t3\n",
        "a,b b,c\r\n1,2,3\r\n",
        '\ufeff"a"\t"b b"\t"c"\n1\t2\t3\n',
    ],
)
def test_headers_of_every_kind(tmp_path: Path, text: str):
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8", newline="")
    assert read_header(path) == ["a", "b b", "c"]
    assert read_table(path, ["c", "a"]).to_dict("list") == {"c": ["3"], "a": ["1"]}


def test_columns_may_be_parted_by_any_spaces(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("  a   b\n 1     x\n")
    assert read_table(path).to_dict("list") == {"a": ["1"], "b": ["x"]}


def test_the_folder_takes_its_place_with_the_usual_rights(tmp_path: Path):
    path = tmp_path / "deep" / "store"
    for content in ("first", "second"):
        with replacing_folder(path, "marker") as folder:
            (folder / "marker").write_text(content)
            assert not path.exists() or (path / "marker").read_text() == "first"
    assert (path / "marker").read_text() == "second"
    assert [p.name for p in path.parent.iterdir()] == ["store"]
    plain = tmp_path / "plain"
    plain.mkdir()
    assert path.stat().st_mode == plain.stat().st_mode


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "store"
    with (
        pytest.raises(InputError, match="store: cannot be written"),
        replacing_folder(path, "marker"),
    ):
        pass


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    path.write_text("old")
    with pytest.raises(TypeError), replacing_file(path) as partial:
        partial.write_text("half" + (None if partial.suffix == ".parquet" else ""))
    assert path.read_text() == "old"
    with replacing_file(path) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
