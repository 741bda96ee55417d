"""Where tables are written to."""

import os
import threading

import pytest

from deepwas_app.errors import InputError
from deepwas_app.workflow.tables import write_text


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
