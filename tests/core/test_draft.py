"""A fit of many batches begins on a share of them, and ends where it would have ended."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core import scoring
from deepwas_app.core.batch import EveryNth
from deepwas_app.core.priors import ridge_precision
from deepwas_app.core.scoring import fit_scoring, start_scoring, total_information


@pytest.fixture(scope="module")
def batches(many_blocks):
    """80 blocks in 20 batches, of which 4 are fitted first."""
    return many_blocks.draw(many_blocks.model([0.5, -0.4, 0.0, 0.3]), seed=3, per_batch=4)


@pytest.fixture(scope="module")
def start(many_blocks):
    return replace(many_blocks.model([0.0] * 4, level=-1.0), learn_kappa=False)


def steps_of(start, batches, precision="learned", **options):
    return list(fit_scoring(start_scoring(start), batches, precision=precision, **options))


def without_draft(monkeypatch, *given, **options):
    with monkeypatch.context() as patch:
        patch.setattr(scoring, "DRAFT", 1)
        return steps_of(*given, **options)


def assert_same_optimum(first, second, batches):
    """Each is within the tolerance of 0.01 nats of it."""
    losses = [total_information(steps[-1].state.model, batches)[0] for steps in (first, second)]
    assert losses[0] == pytest.approx(losses[1], abs=0.1)
    for a, b in zip(*(jax.tree.leaves(s[-1].state.model) for s in (first, second)), strict=True):
        np.testing.assert_allclose(a, b, atol=0.02)


def test_one_in_so_many_batches_is_spread_over_all(batches):
    share = EveryNth(batches, 5)
    assert [batch is batches[i] for batch, i in zip(share, (2, 7, 12, 17), strict=True)] == [
        True
    ] * 4
    assert len(EveryNth(batches[:9], 8)) == 1
    assert share[-1] is batches[17]


@pytest.mark.parametrize("deviation", [None, 0.5])
def test_it_ends_where_it_would_have_ended_in_fewer_passes(deviation, start, batches, monkeypatch):
    precision = "learned" if deviation is None else np.asarray(ridge_precision(start, deviation))
    seen = []

    def counted(model, given, objective):
        seen.append(len(given))
        return total_information(model, given, objective)

    monkeypatch.setattr(scoring, "total_information", counted)
    plain = without_draft(monkeypatch, start, batches, precision)
    assert set(seen) == {20}
    before = len(seen)
    seen.clear()
    drafted = steps_of(start, batches, precision)
    assert set(seen) == {4, 20}
    assert seen.count(20) < before
    assert_same_optimum(drafted, plain, batches)


def test_it_resumes_where_it_was(start, batches):
    whole = [step.state for step in steps_of(start, batches)]
    rest = [step.state for step in fit_scoring(whole[0], batches, precision="learned")]
    assert len(rest) == len(whole) - 1
    for a, b in zip(jax.tree.leaves(whole[-1]), jax.tree.leaves(rest[-1]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_nothing_holds_is_not_tried_on_a_part(start, batches, monkeypatch):
    """Such a coefficient might run off where no information calls it back."""
    free = steps_of(start, batches, 0.0)
    plain = without_draft(monkeypatch, start, batches, 0.0)
    for a, b in zip(*(jax.tree.leaves(s[-1].state.model) for s in (free, plain)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_share_that_knows_better_is_forgotten(start, batches, monkeypatch):
    """Its blocks have no signal at all, and lack an annotation that the others have."""
    share = {id(batch) for batch in EveryNth(batches, 5)}
    altered = [
        eqx.tree_at(
            lambda b: (b.block.x, b.annotations),
            batch,
            (0.1 * batch.block.x, batch.annotations.at[..., 0].set(0.0)),
        )
        if id(batch) in share
        else batch
        for batch in batches
    ]
    # A given one: what is learned of the normal prior depends a little on the way to the optimum.
    precision = np.asarray(ridge_precision(start, 0.5))
    drafted = steps_of(start, altered, precision)
    plain = without_draft(monkeypatch, start, altered, precision)
    first = scoring._draft(start_scoring(start), altered, precision, scoring.FULL_LIKELIHOOD)
    assert first[0] == pytest.approx(-2.0)
    assert_same_optimum(drafted, plain, altered)


def test_a_draft_goes_a_unit_at_most_and_is_none_of_few_batches(start, batches):
    far = eqx.tree_at(lambda m: m.prior.level, start, jnp.asarray(-4.0))
    state = start_scoring(far)
    found = scoring._draft(state, batches, "learned", scoring.FULL_LIKELIHOOD)
    begun = np.asarray(scoring.flatten(far)[0])
    assert found[0] == pytest.approx(-3.0)
    assert (np.abs(found - begun) <= 1 + 1e-6).all()
    assert scoring._draft(state, batches[:15], "learned", scoring.FULL_LIKELIHOOD) is None
    assert scoring._draft(state, batches[:16], "learned", scoring.FULL_LIKELIHOOD) is not None
    later = eqx.tree_at(lambda s: s.step, state, jnp.asarray(1))
    assert scoring._draft(later, batches, "learned", scoring.FULL_LIKELIHOOD) is None


def test_where_the_draft_has_no_likelihood_the_fit_begins_at_the_beginning(
    start, batches, monkeypatch
):
    monkeypatch.setattr(
        scoring, "_draft", lambda *_: np.full(len(scoring.flatten(start)[0]), np.nan)
    )
    drafted = steps_of(start, batches)
    assert_same_optimum(drafted, without_draft(monkeypatch, start, batches), batches)
