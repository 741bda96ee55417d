"""All annotations in one table: at once what the study says, then what a run does."""

import numpy as np
import panel as pn
import pytest

from deepwas_app.app import store
from deepwas_app.app.pages.annotations import AnnotationsPage
from deepwas_app.app.pages.study import StudyPage
from deepwas_app.plots.manhattan import annotated, manhattan


def table(page):
    (widget,) = page.everything._layout.select(pn.widgets.Tabulator)
    return widget


@pytest.fixture
def page(study_with_runs):
    page = AnnotationsPage(study_with_runs)
    page.state.selected = ["linear"]
    return page


def test_names_are_there_at_once_and_the_rest_as_it_comes(page, settle, study_with_runs):
    study = study_with_runs
    names = study["annotation"].values.astype(str)
    assert sorted(table(page).value["annotation"]) == sorted(names)
    assert "effect" not in table(page).value
    settle(page, lambda: page.effects and page.everything._share is not None)
    shown = table(page).value
    found = store.effects(study, page._runs["linear"])
    row = dict(zip(names, found["partial_effect"].values, strict=True))
    np.testing.assert_allclose(shown["effect"].astype(float), [row[n] for n in shown["annotation"]])
    p = shown["effect_p"].astype(float).to_numpy()
    assert (np.diff(p[np.isfinite(p)]) >= 0).all()
    values = study["variant_annotation"].values[study["variant_scored"].values]
    mean = dict(zip(names, values.mean(axis=0), strict=True))
    np.testing.assert_allclose(
        shown["share"].astype(float), [mean[n] for n in shown["annotation"]], rtol=1e-4
    )
    binary = dict(zip(names, study["annotation_kind"].values == "binary", strict=True))
    for name, bar, value in zip(
        shown["annotation"], shown["enrichment_bar"], shown["enrichment"], strict=True
    ):
        assert bool(bar) == (binary[name] and value is not None)
    assert all(bar.startswith("<svg") for bar in shown["effect_bar"])


def test_a_row_chooses_an_annotation_and_once_more_none(page):
    study = page.state.study
    name = str(study["annotation"].values[2])
    page.everything._choose(name)
    assert page.state.annotation == name
    assert page.everything.chosen.visible
    page.everything._choose(name)
    assert page.state.annotation == ""
    assert not page.everything.chosen.visible


def test_variants_of_the_chosen_annotation_stand_out_on_the_manhattan_plot(study_with_runs):
    page = StudyPage(study_with_runs)
    assert len(page.manhattan) == 2
    names = study_with_runs["annotation"].values.astype(str)
    at = int(np.flatnonzero(study_with_runs["annotation_kind"].values == "binary")[0])
    page.state.annotation = names[at]
    assert len(page.manhattan) == 3
    layer = page.manhattan.Points.values()[1] if hasattr(page.manhattan.Points, "values") else None
    layer = layer or list(page.manhattan)[2]
    has = study_with_runs["variant_annotation"].values[:, at] > 0.5
    known = dict(zip(study_with_runs["variant_id"].values.astype(str), has, strict=True))
    assert layer.label == names[at]
    assert all(known[name] for name in layer.data["variant"])
    assert len(layer.data) > 0


def test_a_continuous_annotation_singles_out_its_top_fifth(small_study):
    at = int(np.flatnonzero(small_study["annotation_kind"].values == "continuous")[0])
    name = str(small_study["annotation"].values[at])
    assert annotated(small_study, name).mean() == pytest.approx(0.2, abs=0.01)
    # One of another study, as in an address that was sent on.
    assert not annotated(small_study, "nothing").any()
    assert len(manhattan(small_study, "nothing")) == 3
