"""A data folder of the test's own, and a small study with finished runs in it."""

import shutil
from pathlib import Path

import pytest
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.jobs import JOBS

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bokeh 3.9 makes tables in a way that pandas 3.1 deprecates; nothing that we could mend."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:The inplace keyword"))


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEEPWAS_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.delenv("DEEPWAS_STUDIES", raising=False)
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def no_job_left():
    yield
    JOBS.stop()
    JOBS.jobs.clear()


@pytest.fixture
def study_with_runs(small_study: xr.Dataset, small_runs, data_root: Path) -> xr.Dataset:
    """The small study; its runs lie where the app keeps them."""
    for name, run in vars(small_runs).items():
        shutil.copytree(run.path, store.runs_folder(small_study) / f"{name}.run")
    return small_study


def settle(page, done, seconds: float = 60.0) -> None:
    """Tick a page as its session's timer would, until something has happened."""
    import time

    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "nothing happened"
        page.poller.poll()
        time.sleep(0.02)


@pytest.fixture(name="settle")
def settle_fixture():
    return settle
