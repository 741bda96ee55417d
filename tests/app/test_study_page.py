"""The Study page: which study its Open button opens, and which are offered."""

import os
import shutil

import panel_material_ui as pmui
from holoviews.streams import Selection1D, Stream

from deepwas_app.app import store
from deepwas_app.app.cards.study_numbers import study_numbers
from deepwas_app.app.pages.study import StudyPage
from deepwas_app.genetics.regions import parse_region
from deepwas_app.plots.manhattan import manhattan_table


def shown_text(layout) -> str:
    """All words of a layout."""
    return "\n".join(str(words.object) for words in layout.select(pmui.Typography))


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


def test_ld_score_regression_stands_beside_the_best_run(small_study, small_runs, settle):
    page = StudyPage(small_study)

    def shown() -> str:
        return shown_text(page._numbers)

    settle(page, lambda: "…" not in shown())
    row = store.ldsc(small_study).iloc[0]
    assert f"{row['h2']:.4f} ± {row['h2_se']:.4f}" in shown()
    assert "h² of" not in shown()
    shutil.copytree(small_runs.linear.path, store.runs_folder(small_study) / "linear.run")
    page.state.refresh_runs("linear")
    settle(page, lambda: "h² of linear" in shown())
    assert f"{small_runs.linear.summary['h2']:.4f}" in shown()


def test_a_run_that_is_far_from_ld_score_regression_is_remarked_on(small_study, small_runs):
    found = store.ldsc(small_study).assign(h2=0.9, h2_se=0.01)
    _, remark = study_numbers(small_study, found, small_runs.linear)
    assert "standard errors below" in remark.object
    assert len(study_numbers(small_study, found)) == 1


def test_numbers_are_there_where_ld_score_regression_is_not(small_study):
    cards, words = study_numbers(small_study, said="Too few variants.")
    assert words.object == "Too few variants."
    assert "Mean χ²" in shown_text(cards)
    assert "…" not in shown_text(cards)


def test_a_variant_of_the_manhattan_plot_opens_its_locus(small_study):
    page = StudyPage(small_study)
    (stream,) = (
        stream
        for streams in Stream.registry.values()
        for stream in streams
        if isinstance(stream, Selection1D) and stream.source is page.manhattan.Points.I
    )
    row = manhattan_table(small_study).iloc[17]
    stream.event(index=[17])
    assert page.state.page == "locus"
    region = parse_region(page.state.region, small_study)
    assert region.chromosome == row["chromosome"]
    assert region.start < row["position"] < region.stop
    stream.event(index=[])
