"""A data folder of the test's own, and a small study with finished runs in it."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import xarray as xr

from deepwas_app.app import poller, store
from deepwas_app.app.jobs import JOBS


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEEPWAS_DATA_ROOT", str(tmp_path / "data"))
    for name in ("STUDIES", "OPEN_DISK", "UPLOAD_LIMIT"):
        monkeypatch.delenv(f"DEEPWAS_{name}", raising=False)
    return tmp_path / "data"


@pytest.fixture
def unprotected(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``app.requests.protect`` replaces is as it was when the test is over."""
    from bokeh.server.tornado import BokehTornado
    from tornado.web import Application, RequestHandler

    from deepwas_app.app.requests import FLUSH

    monkeypatch.setattr(RequestHandler, "flush", FLUSH)
    name = "get_handler_delegate"
    monkeypatch.setattr(BokehTornado, name, getattr(Application, name))


@pytest.fixture(autouse=True)
def no_thread_left(monkeypatch: pytest.MonkeyPatch):
    """What a test began ends with it: in the next one it would have other filters of warnings."""
    workers = ThreadPoolExecutor(4)
    monkeypatch.setattr(poller, "_WORKERS", workers)
    yield
    JOBS.stop()
    JOBS.jobs.clear()
    workers.shutdown(cancel_futures=True)


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
