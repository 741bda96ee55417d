"""Nothing is lost or half-written, whenever a writer is killed and whatever the disk says."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics import writing
from deepwas_app.genetics.locks import held, lock_path, only_writer
from deepwas_app.genetics.writing import remove_folder, replacing_file, replacing_folder, restore

# Writes a folder, and is killed by its own hand at a chosen moment.
WRITER = """
import os, signal, sys, tempfile
from pathlib import Path
from deepwas_app.genetics import writing

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

path, moment = Path(sys.argv[1]), sys.argv[2]
if moment == "first file":
    made = tempfile.mkdtemp
    tempfile.mkdtemp = lambda **known: (made(**known), die())
if moment == "exchange":
    writing.exchange = die
if moment == "between renames":
    writing.exchange = lambda *_: False
    rename = Path.rename
    Path.rename = lambda self, to: die() if self.name == "new" else rename(self, to)
if moment == "clean-up":
    writing.shutil.rmtree = die
with writing.replacing_folder(path, "marker") as folder:
    (folder / "marker").write_text("new")
    if moment == "within":
        die()
"""
MOMENTS = ("first file", "within", "exchange", "between renames", "clean-up")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder with something in it."""
    with replacing_folder(tmp_path / "s.study.zarr", "marker") as folder:
        (folder / "marker").write_text("old")
    return tmp_path / "s.study.zarr"


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_writer_leaves_the_old_or_the_new_and_is_tidied_up(path: Path, moment: str):
    done = subprocess.run([sys.executable, "-c", WRITER, path, moment], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(path.parent.iterdir())) > 1
    assert path.exists() == (moment != "between renames")
    restore(path)
    assert (path / "marker").read_text() == ("new" if moment == "clean-up" else "old")
    with replacing_folder(path, "marker") as folder:
        (folder / "marker").write_text("newer")
    assert (path / "marker").read_text() == "newer"
    assert list(path.parent.iterdir()) == [path]


def test_there_is_no_moment_without_a_folder(path: Path, monkeypatch: pytest.MonkeyPatch):
    there = []

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*names: Path) -> Any:
            done = function(*names)
            there.append(path.exists())
            return done

        return call

    monkeypatch.setattr(Path, "rename", watched(Path.rename))
    monkeypatch.setattr(writing, "exchange", watched(writing.exchange))
    with replacing_folder(path, "marker") as folder:
        (folder / "marker").write_text("new")
    assert there == [True]


def test_a_folder_is_removed_whole(path: Path, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(writing.shutil, "rmtree", lambda *_, **__: None)
        remove_folder(path)
    restore(path)
    assert not path.exists()
    with replacing_folder(path, "marker") as folder:
        (folder / "marker").write_text("new")
    assert list(path.parent.iterdir()) == [path]


def test_folders_of_others_are_left_alone(path: Path):
    for name in (".s.study.zarr.abcdefgh", ".s.study.zarr.abcdefgh.x", ".s.study.zarr.backup"):
        (path.parent / name).mkdir()
        (path.parent / name / "thesis").write_text("")
    before = sorted(path.parent.iterdir())
    with replacing_folder(path, "marker") as folder:
        (folder / "marker").write_text("new")
    assert sorted(path.parent.iterdir()) == before


def test_a_second_writer_is_refused_by_name(path: Path):
    with replacing_folder(path, "marker") as folder:
        (folder / "marker").write_text("new")
        said = rf"process {os.getpid()} of \w+ on .*, since .*, writes to it\. Wait"
        with pytest.raises(InputError, match=said), replacing_folder(path, "marker"):
            pass
    assert (path / "marker").read_text() == "new"
    assert not lock_path(path).exists()


def test_a_lock_ends_with_the_process_that_holds_it(path: Path):
    holder = (
        "import sys, time; from pathlib import Path; from deepwas_app.genetics.locks import *\n"
        "with only_writer(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", holder, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=f"process {process.pid} of"), only_writer(path):
            pass
        process.kill()
    assert json.loads(lock_path(path).read_text())["pid"] == process.pid
    with only_writer(path) as alone:
        assert alone
    assert not lock_path(path).exists()


def test_partial_files_of_killed_writers_go_with_the_next_and_those_of_others_stay(tmp_path: Path):
    writer = (
        "import sys, time; from pathlib import Path; from deepwas_app.genetics.writing import *\n"
        "with replacing_file(Path(sys.argv[1])) as partial:\n"
        "    partial.write_text('half'); print('half', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", writer, str(tmp_path / "a.tsv")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        (partial,) = tmp_path.iterdir()
        # The writer is alive; or at work on another machine, where its number says nothing here.
        elsewhere = tmp_path / ".partial-4194399-b.tsv"
        with held(elsewhere), replacing_file(tmp_path / "c.tsv") as other:
            other.write_text("c")
        assert {*tmp_path.iterdir()} == {partial, elsewhere, tmp_path / "c.tsv"}
        process.kill()
    assert partial.exists()
    with replacing_file(tmp_path / "c.tsv") as other:
        other.write_text("d")
    assert [*tmp_path.iterdir()] == [tmp_path / "c.tsv"]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """A disk that is full once a file has so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_one_line_and_leaves_what_was_there(path: Path):
    table = path.with_name("table.tsv")
    table.write_text("old")
    line = r"table\.tsv: cannot be written \(File too large\)\. Free some space.*nothing is half-"
    with largest_file(100), pytest.raises(InputError, match=line), replacing_file(table) as partial:
        partial.write_text("x" * 1000)
    line = r"s\.study\.zarr: cannot be written \(File too large\)\. Free some space"
    with (
        largest_file(100),
        pytest.raises(InputError, match=line),
        replacing_folder(path, "marker") as folder,
    ):
        (folder / "marker").write_text("x" * 1000)
    assert table.read_text() == (path / "marker").read_text() == "old"
    assert sorted(path.parent.iterdir()) == [path, table]


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder that may not be written to, by root neither."""
    # Those above the folders of pytest are closed to others than their owner.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(user)
            folder.chmod(0o755)


def test_a_folder_that_may_not_be_written_is_one_line(closed: Path):
    line = r"x\.study\.zarr: cannot be written \(Permission denied\)\. Choose another"
    with pytest.raises(InputError, match=line), replacing_folder(closed / "x.study.zarr", "m"):
        pass
    line = r"x\.tsv: cannot be written \(Permission denied\)"
    with pytest.raises(InputError, match=line), replacing_file(closed / "x.tsv") as partial:
        partial.write_text("")
    assert list(closed.iterdir()) == []


def test_a_name_that_is_too_long_is_one_line(tmp_path: Path):
    line = r"cannot be written \(File name too long\)\. Choose a shorter name"
    with pytest.raises(InputError, match=line), replacing_folder(tmp_path / ("x" * 300), "m"):
        pass
    assert list(tmp_path.iterdir()) == []
