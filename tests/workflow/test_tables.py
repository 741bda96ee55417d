"""Where tables are written to."""

import json
import os
import threading

import numpy as np
import pytest

from deepwas_app.errors import InputError
from deepwas_app.workflow.tables import json_text, write_text


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
