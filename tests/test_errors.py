"""What the machine refuses is one line with a remedy, and exit status 1."""

import errno
import os
import shutil

import pytest

from deepwas_app import cli
from deepwas_app.errors import refused
from deepwas_app.workflow.verify import verified


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "", "x.tsv"), "x.tsv: No space left on device. Free some space"),
        (OSError(errno.EROFS, "", "x.tsv"), "x.tsv: Read-only file system. Choose another file"),
        (PermissionError(errno.EACCES, "", "x"), "x: Permission denied. Choose another"),
        (OSError(errno.EADDRINUSE, ""), "Address already in use. Choose another --port"),
        (MemoryError(), "Cannot allocate memory. Stop other programs"),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory"), "the device has no memory left."),
    ],
)
def test_it_is_one_line(error, line, monkeypatch, capsys):
    def failing(_):
        raise error

    monkeypatch.setattr(cli.command_module("info"), "run", failing)
    assert cli.main(["info", "x"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"deepwas: {line}")
    assert said.count("\n") == 1


def test_other_errors_are_not_hidden(monkeypatch):
    def failing(_):
        raise RuntimeError("a fault of ours")

    assert refused(RuntimeError("a fault of ours")) is None
    assert refused(OSError("3 requested and 0 written")) is None
    monkeypatch.setattr(cli.command_module("info"), "run", failing)
    with pytest.raises(RuntimeError, match="a fault"):
        cli.main(["info", "x"])


def test_info_tells_what_is_damaged(small_study, small_runs, tmp_path, capsys):
    path = shutil.copytree(small_study.attrs["path"], tmp_path / "s.study.zarr")
    assert cli.main(["info", str(path), "--verify"]) == 0
    assert " files as written, none damaged or lost" in capsys.readouterr().out
    file = path / "blocks" / "3" / "Q" / "0.0"
    file.write_bytes(file.read_bytes()[:-1])
    os.unlink(path / "variant_z" / "0")
    assert cli.main(["info", str(path), "--verify"]) == 1
    told = capsys.readouterr()
    assert "\n    Q of LD block 3 is damaged (its checksum is another)\n" in told.out
    assert "\n    variant_z is lost\n" in told.out
    assert "kind: damaged" in told.out
    assert told.err == f"deepwas: {path}: 2 parts damaged or lost, see above.\n"
    assert cli.main(["info", str(small_runs.linear.path), "--verify"]) == 0


def test_what_was_written_without_checksums_is_read_from_end_to_end(small_study, tmp_path):
    path = shutil.copytree(small_study.attrs["path"], tmp_path / "s.study.zarr")
    for index in path.rglob(".checksums"):
        index.unlink()
    for name in (".zattrs", ".zmetadata"):
        file = path / name
        file.write_text(file.read_text().replace('"checksums": true', '"checksums": false'))
    assert verified(path).text == "no checksums, but all of it can be read"
    # As sound as the one that was there, but of another block.
    shutil.copy(path / "blocks" / "2" / "x" / "0", path / "blocks" / "1" / "x" / "0")
    (line,) = verified(path).damaged
    assert "is not what it was when it was written" in line or "cannot be read" in line
