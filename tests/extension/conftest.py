"""A Python in which the package of the folder toys/ is installed beside ours."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TOYS = Path(__file__).parent / "toys"


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., str]:
    """Run Python with these arguments and give what it prints; fails where it fails.

    In a process of its own: what registries have found stays in them.
    """

    def run(*arguments: object) -> str:
        path = os.pathsep.join([str(TOYS), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {"PYTHONPATH": path, "DEEPWAS_DATA_ROOT": str(tmp_path / "data")}
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
