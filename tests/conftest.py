"""What all tests share: a cache of their own, checked shapes in core, small studies made once."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import xarray as xr
from jaxtyping import install_import_hook
from packaging.version import Version

# Before anything imports core: from here on its calls are checked against its annotations.
install_import_hook("deepwas_app.core", "beartype.beartype")


# Files that take minutes: first, so that no worker is left alone with one at the end.
LONG = (
    "test_findings.py",
    "test_notebooks.py",
    "test_docs.py",
    "test_dashboard.py",
    "test_package.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONG)


def pytest_configure(config: pytest.Config) -> None:
    """Compile a program once, whichever process or test needs it first; nothing is kept."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="deepwas-compiled-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        os.environ["JAX_COMPILATION_CACHE_DIR"] = folder
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        # Most of the time of the tests is compilation; their arrays are too small to gain by more.
        flags = "--xla_backend_optimization_level=0"
        if Version(version("jaxlib")) < Version("0.11"):
            # Later ones do not know it, and end the process.
            flags += " --xla_cpu_use_fusion_emitters=false"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
        if config.getoption("numprocesses", None):
            # Each worker has a core; their threads would only wait for one another.
            for threads in ("NPROC", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
                os.environ.setdefault(threads, "1")


@pytest.fixture(scope="module", autouse=True)
def room() -> Iterator[None]:
    """Hundreds of tests compile more programs than one process can hold."""
    yield
    if "jax" in sys.modules:
        from deepwas_app.workflow.compilation import make_room

        make_room()


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Built-in studies and compiled programs go here, and never to the home folder."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPWAS_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def tables() -> Iterator[None]:
    """Bokeh 3.9 makes tables in a way that pandas 3.1 deprecates; nothing that we could mend.

    Filters of warnings would not do: threads that set some for a while lose those of others.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            pd.DataFrame, "_check_inplace_deprecation", lambda _, inplace, __: inplace is True
        )
        yield


@pytest.fixture(scope="session", autouse=True)
def few_draws() -> Iterator[None]:
    """Sparse effects are sampled for a second, not a minute: tests of them say what they need."""
    from deepwas_app.workflow.results import sparse

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse, "PRECISE", 0.3)
        yield


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> xr.Dataset:
    """20 chromosomes of one exact LD block, 6,000 variants, 9 annotations, a log-linear truth."""
    from deepwas_app.genetics.store import open_study_store
    from deepwas_app.workflow.settings import SimulateSettings
    from deepwas_app.workflow.studies.simulate import simulate

    settings = SimulateSettings(
        variants=6_000,
        chromosomes=20,
        people=200,
        annotations=9,
        truth="linear",
        panel_people=0,
        title="Small",
        output=str(tmp_path_factory.mktemp("studies") / "small.study.zarr"),
    )
    return open_study_store(simulate(settings))


@pytest.fixture(scope="session")
def small_runs(
    small_study: xr.Dataset, tmp_path_factory: pytest.TempPathFactory
) -> SimpleNamespace:
    """A finished run of each prior on the small study; 5 chromosomes are held out."""
    from deepwas_app.workflow.runs.train import train
    from deepwas_app.workflow.settings import TrainSettings

    folder = tmp_path_factory.mktemp("runs")
    knobs = {"width": 8, "depth": 1, "epochs": 3}
    return SimpleNamespace(
        **{
            prior: train(small_study, TrainSettings(prior=prior, **knobs), folder / f"{prior}.run")
            for prior in ("constant", "linear", "mlp")
        }
    )


@pytest.fixture(scope="session")
def height(cache: Path) -> xr.Dataset:
    """The built-in height study."""
    from deepwas_app.workflow.studies.builtin import open_study

    return open_study("height_chr22")
