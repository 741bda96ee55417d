"""No reader takes more than four times the file on disk plus 200 MB, whatever a file unpacks to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .bombs import BOMBS


def test_small_files_that_unpack_to_much_are_refused_early(tmp_path: Path, pytestconfig):
    words = [sys.executable, "-m", "tests.genetics.bombs", str(tmp_path)]
    done = subprocess.run(words, cwd=pytestconfig.rootpath, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == [name for name, _, _ in BOMBS]
    for name, size, more, outcome in rows:
        assert outcome.startswith("refused: "), (name, outcome)
        assert int(more) < 4 * int(size) + 200 * 2**20, (name, size, more)
