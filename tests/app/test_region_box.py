"""What the box of the Locus page suggests to type."""

import re

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.cards.region_box import RegionBox, example
from deepwas_app.app.regions import shown_region
from deepwas_app.genetics.matching import find_variant


def words(said: str) -> list[str]:
    return re.split(r", (?=\D)| or ", said)


def test_the_example_is_in_the_study(small_study: xr.Dataset):
    row = int(np.nanargmax(np.abs(small_study["variant_z"].values)))
    chromosome = str(small_study["variant_chromosome"].values[row])
    place = int(small_study["variant_position"].values[row])
    genes = pd.DataFrame(
        {
            "chromosome": [chromosome, chromosome, "X"],
            "start": [place + 2000, place - 1000, place],
            "stop": [place + 3000, place - 500, place],
            "strand": "+",
            "name": ["FARTHER", "NEAR", "ELSEWHERE"],
        }
    )
    region, gene, variant = words(example(small_study, genes))
    assert find_variant(small_study, variant) == row
    assert gene == "NEAR"
    assert row in shown_region(region, small_study, genes).rows(small_study)


def test_without_genes_the_example_names_none(small_study: xr.Dataset, monkeypatch):
    none = store.genes(small_study.assign_attrs(genome_build="hg0"))
    assert len(words(example(small_study, none))) == 2
    monkeypatch.setattr(store, "genes", lambda study: none)
    box = RegionBox(small_study, print, print, print).box
    assert box.placeholder == example(small_study, none)


def test_a_study_without_z_scores_has_an_example(small_study: xr.Dataset):
    silent = small_study.assign(variant_z=small_study["variant_z"] * np.nan)
    assert str(silent["variant_id"].values[0]) in example(silent, store.genes(silent))
