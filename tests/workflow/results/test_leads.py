"""The loci of a study."""

import numpy as np
import pandas as pd
import pytest

from deepwas_app.genetics.statistics import GENOME_WIDE, minus_log10_p
from deepwas_app.genetics.study import lead_variants, strongest_loci
from deepwas_app.workflow.results.finemap import fine_map
from deepwas_app.workflow.results.leads import leads

GENES = ["chromosome", "start", "stop", "strand", "name"]


@pytest.fixture
def strong(small_study):
    """With 14 loci that are genome-wide significant, and variants beside them that are nearly."""
    z = np.full(small_study.sizes["variants"], 0.5, "f4")
    first = strongest_loci(small_study.assign(variant_z=("variants", z)), count=14)
    z[first] = np.linspace(9, 6, 14)
    return small_study.assign(variant_z=("variants", z)), first


def brute(study, count):
    """Every variant in turn, the strongest first, that is far from all that were taken."""
    z = np.abs(np.nan_to_num(study["variant_z"].values))
    place = study["variant_position"].values.astype(int)
    chromosome = study["variant_chromosome"].values.astype(str)
    taken: list[int] = []
    for row in np.argsort(-z, kind="stable"):
        far = [
            chromosome[t] != chromosome[row] or abs(place[t] - place[row]) >= 500_000 for t in taken
        ]
        if all(far) and z[row] > 0:
            taken.append(int(row))
    return taken[:count]


def test_loci_are_those_of_going_through_all_variants(small_study):
    for count in (1, 12, 10_000):
        assert strongest_loci(small_study, count=count) == brute(small_study, count)


def test_all_significant_ones_and_a_dozen_at_least(strong):
    study, first = strong
    assert lead_variants(study) == first
    assert lead_variants(study, most=5) == first[:5]
    z = study["variant_z"].values.copy()
    z[first[3:]] = 1.0
    few = lead_variants(study.assign(variant_z=("variants", z)))
    assert few[:3] == first[:3]
    assert len(few) == 12
    assert (minus_log10_p(z[few]) > GENOME_WIDE).sum() == 3


def test_genes_and_folds(small_study):
    rows = lead_variants(small_study)
    row = rows[2]
    chromosome = str(small_study["variant_chromosome"].values[row])
    place = int(small_study["variant_position"].values[row])
    genes = pd.DataFrame(
        [
            (chromosome, place + 70, place + 90, "+", "A"),
            (chromosome, place - 9, place - 6, "-", "B"),
        ],
        columns=GENES,
    )
    prior = np.arange(small_study.sizes["variants"], dtype=float)
    found, table = leads(small_study, genes, prior)
    assert found.tolist() == rows
    assert table.loc[2, ["GENE", "GENE_DISTANCE"]].tolist() == ["B", 6.0]
    assert table["PRIOR_FOLD"][2] == pytest.approx(row / prior.mean())
    assert table["SIGNALS"].isna().all()
    _, bare = leads(small_study, genes[:0])
    assert (bare["GENE"] == "").all()
    assert bare["PRIOR_FOLD"].isna().all()


def test_what_fine_mapping_found_is_said_of_its_locus_only(small_study, small_runs):
    rows = lead_variants(small_study)
    name = str(small_study["variant_id"].values[rows[0]])
    mapping = fine_map(small_study, small_runs.linear, name)
    _, table = leads(small_study, pd.DataFrame(columns=GENES), None, [mapping])
    model = mapping.sets[mapping.sets["PRIOR"] == "model"]
    assert table["SIGNALS"][0] == len(model)
    assert table["BEST_PIP"][0] == pytest.approx(mapping.table["PIP"].max())
    assert table["SET_SIZE"][0] in model["VARIANTS"].to_numpy()
    assert table["SIGNALS"][1:].isna().all()
