"""Annotations that cannot be told apart."""

import numpy as np
import pytest

from deepwas_app.core.dependence import dependent_groups


def groups(columns: np.ndarray) -> list[list[int]]:
    columns = np.asarray(columns, np.float32)
    away = columns - columns.mean(axis=0, dtype=float)
    return dependent_groups(away.T @ away / len(away), columns.std(axis=0) > 0)


@pytest.fixture
def independent():
    return np.random.default_rng(3).normal(size=(5_000, 6))


def test_independent_annotations_are_told_apart(independent):
    assert groups(independent) == []
    # 99% of its variance explained: hard, not impossible.
    noisy = independent[:, :1] + 0.1 * np.random.default_rng(4).normal(size=(5_000, 1))
    assert groups(np.column_stack([independent, noisy])) == []


def test_each_dependence_is_a_group_of_its_own(independent):
    rng = np.random.default_rng(5)
    category = rng.integers(0, 4, 5_000)
    # The last category is rare.
    category[(category == 3) & (rng.random(5_000) < 0.98)] = 0
    one_hot = category[:, None] == np.arange(4)
    columns = np.column_stack(
        [independent, 5 - 2 * independent[:, 2], one_hot, np.ones(5_000), independent[:, :2].sum(1)]
    )
    assert groups(columns) == [[0, 1, 12], [2, 6], [7, 8, 9, 10]]


def test_nearly_the_same_is_not_told_apart_within_a_thousandth(independent):
    noise = np.random.default_rng(6).normal(size=5_000)
    for share, found in ((0.0005, [[0, 6]]), (0.002, [])):
        copy = independent[:, 0] + np.sqrt(share) * noise
        assert groups(np.column_stack([independent, copy])) == found
