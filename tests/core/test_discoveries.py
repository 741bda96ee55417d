"""Expected discoveries against effects that are drawn from the prior."""

import numpy as np
import pytest
from scipy.special import expit

from deepwas_app.core.discoveries import GENOME_WIDE, expected_discoveries


@pytest.mark.parametrize("times", [0.5, 4.0])
@pytest.mark.parametrize("log_odds", [-4.0, 0.5, 30.0])
def test_against_drawn_effects(times, log_odds):
    rng = np.random.default_rng(1)
    log_d = rng.normal(0.5, 1.0, 3_000)
    share = expit(log_d - 0.5 + log_odds)
    causal = rng.random((300, 3_000)) < share
    spread = np.sqrt(np.exp(log_d) / share * times)
    effects = np.where(causal, rng.standard_normal(causal.shape) * spread, 0.0)
    hit = causal & (np.abs(effects + rng.standard_normal(causal.shape)) > GENOME_WIDE)
    found = expected_discoveries(np.append(log_d, -np.inf), 0.5, log_odds, times)
    assert found.causal == pytest.approx(causal.sum(axis=1).mean(), rel=0.02)
    assert found.found == pytest.approx(hit.sum(axis=1).mean(), rel=0.05)
    assert found.share == pytest.approx((effects**2)[hit].sum() / (effects**2).sum(), rel=0.05)


def test_more_people_find_more_and_in_the_end_all():
    log_d = np.full(1_000, -2.0)
    found = [expected_discoveries(log_d, -2.0, -3.0, times) for times in (1.0, 10.0, 1e9)]
    assert found[0].found < found[1].found < found[2].found
    assert found[2].found == pytest.approx(found[2].causal, rel=1e-2)
    assert found[2].share == pytest.approx(1, abs=1e-3)
