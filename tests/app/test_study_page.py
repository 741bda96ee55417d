"""The Study page: which study its Open button opens, and which are offered."""

import os

from deepwas_app.app import store
from deepwas_app.app.pages.study import StudyPage


def test_choosing_a_study_forgets_the_path_that_was_typed(monkeypatch):
    monkeypatch.setenv("DEEPWAS_STUDIES", "/data/other.study.zarr")
    asked = []
    page = StudyPage()
    monkeypatch.setattr(page.state, "request", asked.append)
    page.path.value = "/data/typed.study.zarr"
    page.open_button.clicks += 1
    page.chooser.value = "/data/other.study.zarr"
    page.open_button.clicks += 1
    assert asked == ["/data/typed.study.zarr", "/data/other.study.zarr"]


def test_the_chooser_names_the_study_that_is_open(small_study, settle):
    page = StudyPage()
    page._ask(small_study.attrs["path"])
    settle(page, lambda: page.state.study is not None)
    assert page.chooser.value == small_study.attrs["path"]


def test_studies_of_one_name_are_all_offered(monkeypatch):
    paths = [f"/{folder}/x.study.zarr" for folder in "abc"]
    monkeypatch.setenv("DEEPWAS_STUDIES", os.pathsep.join(paths))
    known = store.known_studies()
    assert set(paths) <= set(known.values())
    assert known["x"] == paths[0]
    assert known["x (/b)"] == paths[1]
