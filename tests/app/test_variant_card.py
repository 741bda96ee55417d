"""What the Locus page says of the variant that was clicked."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.cards import variant_card
from deepwas_app.app.cards.variant_card import links
from deepwas_app.app.pages.locus import LocusPage
from deepwas_app.app.state import AppState


@pytest.fixture
def page(small_study) -> LocusPage:
    return LocusPage(small_study)


def named(study: xr.Dataset, row: int, **changes: object) -> xr.Dataset:
    """The study with another name, or place, of a variant."""
    for name, value in changes.items():
        values = study[name].values.astype(object if isinstance(value, str) else None).copy()
        values[row] = value
        study = study.assign({name: ("variants", values)})
    return study


def test_a_click_pins_and_the_button_makes_the_reference(page):
    first, other = page.reference, int(page.table["row"].iloc[5])
    ring = page.figure.tracks["association"].pinned
    assert not ring.data["x"]
    page.figure.tracks["association"].points.selected.indices = [5]
    assert page.reference == first
    assert ring.data["x"] == [page.table["x"][5]]
    assert page.variant.heading.object.startswith("Variant <b>")
    assert not page.variant.button.disabled
    page.variant.button.clicks += 1
    assert page.reference == other
    assert not ring.data["x"]
    assert page.variant.heading.object.startswith("Reference variant <b>")
    assert page.variant.button.disabled


def test_effects_are_those_of_z_sample_size_and_frequency(small_study):
    """Against a regression: z and N of a phenotype of variance 1."""
    rng = np.random.default_rng(3)
    genotype = rng.binomial(2, 0.3, 4000)
    phenotype = 0.2 * genotype + rng.normal(size=4000)
    phenotype = (phenotype - phenotype.mean()) / phenotype.std()
    slope, centred = np.polyfit(genotype, phenotype, 1)[0], genotype - genotype.mean()
    residual = phenotype - slope * centred
    error = np.sqrt(residual @ residual / 3998 / (centred @ centred))
    study = small_study
    for name, value in (("z", slope / error), ("sample_size", 4000.0)):
        study = named(study, 7, **{f"variant_{name}": np.float64(value)})
    study = named(study, 7, variant_allele_frequency=genotype.mean() / 2)
    (_, effect, p, z, people) = variant_card._facts(study.isel(variants=7))
    said = [float(x) for x in effect.replace("<b>", "").replace("</b>", "").split()[1:4:2]]
    assert said[0] == pytest.approx(slope, rel=0.05)
    assert said[1] == pytest.approx(error, rel=0.05)
    assert people == "4,000 people"
    assert "e-" in p
    assert z == f"z = {slope / error:.2f}"


def test_the_prior_is_over_the_mean_and_only_of_the_variant_on_show(
    study_with_runs, settle, monkeypatch
):
    state = AppState.of(study_with_runs)
    state.selected = ["linear"]
    page = LocusPage(state)
    row = int(page.table["row"].iloc[4])
    page.pin(row)
    settle(page, lambda: "×" in page.variant.prior.object)
    (run,) = state.selected_runs()
    v = store.value(state.study, run, "heritability")
    assert f"<b>{v[row] / np.nanmean(v):.3g}</b> × the study's mean" in page.variant.prior.object
    top = store.drivers(state.study, run, row)
    assert f"{top['FOLD'].iloc[0]:.3g}" in page.variant.prior.object.split("driven by")[1]
    state.selected = []
    assert page.variant.prior.object.startswith("Choose a run")


def test_pips_come_with_a_fine_mapping_and_go_with_it(page):
    name = page.state.study["variant_id"].values[page.reference]
    table = pd.DataFrame(
        {
            "SNP": [name],
            "BP": [1],
            "PIP": [0.75],
            "CREDIBLE_SET": [2],
            "PIP_UNIFORM": [1e-5],
            "CREDIBLE_SET_UNIFORM": [0],
        }
    )
    page.variant.follow(table)
    assert "PIP, model <b>0.75</b>, set 2" in page.variant.prior.object
    assert "PIP, uniform <b>1e-05</b>" in page.variant.prior.object
    page.pin(int(page.table["row"].iloc[4]))
    assert "PIP" not in page.variant.prior.object
    page.pin(page.reference)
    page.variant.follow(None)
    assert "PIP" not in page.variant.prior.object


def test_links_are_of_the_build_and_by_what_a_site_knows(small_study):
    study = named(small_study, 3, variant_id="rs123", variant_position=45_000)
    chromosome = str(study["variant_chromosome"].values[3])
    old = dict(links(study.assign_attrs(genome_build="hg19"), 3))
    new = dict(links(study.assign_attrs(genome_build="hg38"), 3))
    assert list(old) == list(new) == ["dbSNP", "Ensembl", "Open Targets", "UCSC"]
    assert old["Ensembl"].startswith("https://grch37.ensembl.org/")
    assert f"db=hg38&position=chr{chromosome}%3A44900-45100" in new["UCSC"]
    unnamed = named(study, 3, variant_id="22:45000:A:G").assign_attrs(genome_build="hg19")
    assert list(dict(links(unnamed, 3))) == ["Ensembl", "UCSC"]
    assert list(dict(links(study.assign_attrs(genome_build="mm10"), 3))) == [
        "dbSNP",
        "Open Targets",
    ]


def test_names_of_others_are_text_and_links_know_nothing_of_this_page(small_study):
    bad = '"><script>alert(1)</script>'
    study = named(small_study, 3, variant_id=bad, variant_chromosome=bad)
    page = LocusPage(small_study)
    page.state.study = study
    page.variant.look_at(3, None, False)
    for line in (page.variant.heading, page.variant.facts, page.variant.links):
        assert "<script" not in line.object
    page.variant.look_at(4, None, False)
    links_of = page.variant.links.object.split("<a ")[1:]
    assert all('target="_blank" rel="noopener noreferrer"' in link for link in links_of)
