"""The package from outside: quick to import, whole when installed."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import deepwas_app as dw

ROOT = Path(__file__).parents[1]


def python(code: str, **environment: str) -> str:
    """What code prints in a Python of its own, outside the checkout."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        # Compiled as for users, not as for the other tests.
        env=os.environ | {"XLA_FLAGS": ""} | environment,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_is_light():
    heavy = ("jax", "panel", "holoviews", "xarray", "pandas", "numpy", "importlib.metadata")
    loaded = f"print([m for m in {heavy} if m in sys.modules])"
    assert python(f"import sys, deepwas_app; {loaded}") == "[]"
    reading = "dw.read_sumstats(dw_file)"
    code = (
        "import sys, deepwas_app as dw; from deepwas_app.genetics.builtin import data_dir;"
        f"dw_file = data_dir() / 'height_chr22' / 'height.fastGWA.gz'; {reading};"
        "print([m for m in ('jax', 'panel', 'holoviews', 'param') if m in sys.modules])"
    )
    assert python(code) == "[]"


def test_core_works_without_a_screen():
    code = (
        "import sys; sys.modules['panel'] = sys.modules['holoviews'] = None;"
        "import deepwas_app.core, deepwas_app.workflow.runs.train;"
        "import deepwas_app.workflow.results.posterior;"
        "print('fine')"
    )
    assert python(code) == "fine"


def test_public_names_are_there():
    for name in dw.__all__:
        assert getattr(dw, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'opne_study'"):
        _ = dw.opne_study


def test_installed_from_a_wheel_the_built_in_study_is_there(tmp_path):
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
    subprocess.run([*build, "-w", tmp_path, ROOT], check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    # With the origin and licence of every file of the data, and of all packages.
    assert "licence" in (installed / "deepwas_app" / "_data" / "README.md").read_text()
    kept = {str(path.relative_to(installed)) for path in installed.glob("*.dist-info/**/*.md")}
    assert any(name.endswith("licenses/docs/licences.md") for name in kept)
    code = (
        "import deepwas_app as dw; study = dw.open_study('height_chr22');"
        "from deepwas_app.genetics.genes import read_genes;"
        "print(dw.__file__, study.sizes['variants'], len(read_genes('hg38')), dw.builtin_studies())"
    )
    cache = {"PYTHONPATH": str(installed), "DEEPWAS_CACHE": str(tmp_path / "cache")}
    printed = python(code, **cache)
    assert printed.startswith(str(installed / "deepwas_app"))
    assert "15938 18380" in printed
    assert "simulated" in printed
