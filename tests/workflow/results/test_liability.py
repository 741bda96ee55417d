"""Both scales of heritability, and who says what share of N are cases."""

import pytest

from deepwas_app.core.liability import liability_factor
from deepwas_app.errors import InputError
from deepwas_app.workflow.results.evaluation import evaluate
from deepwas_app.workflow.results.ldsc import ldsc, sentence


def test_both_scales_stand_side_by_side(small_study, small_runs):
    factor = liability_factor(0.01, 0.4)
    for table in (
        evaluate([small_runs.linear, small_runs.mlp], prevalence=0.01, case_fraction=0.4),
        ldsc(small_study, small_runs.linear, prevalence=0.01, case_fraction=0.4),
    ):
        for name in ("", "_se"):
            found, observed = table[f"h2_liability{name}"], table[f"h2{name}"]
            assert found.tolist() == pytest.approx((observed * factor).tolist())
    assert "h2 of liability" in sentence(table)
    assert "h2_liability" not in evaluate(small_runs.linear)


def test_the_study_of_an_effective_n_knows_its_share(small_study, small_runs):
    with pytest.raises(InputError, match="does not know its cases and controls"):
        ldsc(small_study, prevalence=0.01)
    with pytest.raises(InputError, match="does not know its cases and controls"):
        evaluate(small_runs.linear, prevalence=0.01)
    with pytest.raises(InputError, match="without a prevalence"):
        ldsc(small_study, case_fraction=0.5)
    balanced = small_study.assign_attrs(case_fraction=0.5)
    table = ldsc(balanced, prevalence=0.01)
    assert table["h2_liability"].item() == pytest.approx(
        table["h2"].item() * liability_factor(0.01, 0.5)
    )
