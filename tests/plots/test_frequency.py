"""Frequencies of the GWAS beside those of the LD panel."""

import numpy as np
import pytest

from deepwas_app.errors import InputError
from deepwas_app.plots.frequency import FAR, frequency, frequency_table


def test_points_are_variants_of_which_both_have_a_frequency(study):
    panel = study["variant_allele_frequency"].values.astype(np.float32)
    gwas = panel.copy()
    gwas[:20] = np.nan
    gwas[30] = panel[30] + 0.15 if panel[30] < 0.5 else panel[30] - 0.15
    study = study.assign(variant_gwas_frequency=("variants", gwas))
    table = frequency_table(study)
    names = study["variant_id"].values.astype(str)
    assert not set(names[:20]) & set(table["variant"])
    assert table.loc[table["far"], "variant"].tolist() == [names[30]]
    share = 1 / (len(panel) - 20)
    plot = frequency(study).opts.get("plot").kwargs
    assert f"{share:.2%} differ by more than {FAR}" in plot["ylabel"]


def test_a_study_without_says_why(study):
    with pytest.raises(InputError, match="no allele frequencies of the GWAS"):
        frequency_table(study)
