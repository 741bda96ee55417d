"""What scores predict, against people whose truth is known."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import mannwhitneyu, norm, pearsonr

from deepwas_app.core.prediction import (
    auc,
    explained,
    liability_share,
    people_of,
    share_interval,
)
from deepwas_app.errors import InputError
from deepwas_app.workflow.results.accuracy import Accuracy, accuracy_lines, judge

PREVALENCE = 0.01


def accuracy(s, y, where="phenotype", covariates=None) -> Accuracy:
    return judge({"s": s}, y, covariates, where=where).shares["s"]


def measures(judged, name="s"):
    rows = judged.measures[judged.measures["WEIGHTS"] == name]
    return rows.set_index("MEASURE")[["VALUE", "LOW95", "HIGH95"]]


def patients(rng, people: int, *shares: float):
    """As many cases as controls of a disease of 1%: status, and normal parts of the liability.

    A part explains the share of the liability's variance; cases are drawn by liability alone.
    """
    half = people // 2
    tail = np.concatenate(
        [
            norm.isf(PREVALENCE * rng.random(half)),
            norm.ppf((1 - PREVALENCE) * rng.random(half)),
        ]
    )
    share = np.array(shares)
    spread = np.linalg.cholesky(np.diag(share) - np.outer(share, share))
    parts = tail[:, None] * share + rng.standard_normal((people, len(share))) @ spread.T
    return np.repeat([1.0, 0.0], half), parts


def test_r2_and_its_interval_are_those_of_the_correlation_where_all_is_normal():
    rng = np.random.default_rng(0)
    s = rng.standard_normal(4000)
    y = 0.5 * s + rng.standard_normal(4000)
    found = accuracy(s, y)
    reference = pearsonr(s, y)
    low, high = reference.confidence_interval()
    assert found.r2 == pytest.approx(reference.statistic**2)
    assert (found.low, found.high) == pytest.approx((low**2, high**2), rel=0.02)
    turned = accuracy(-s, y)
    assert turned.r == pytest.approx(-found.r)
    assert (turned.low, turned.high) == pytest.approx((found.low, found.high))


def skewed(rng, people):
    """An exponential phenotype whose spread rises with the score."""
    s = rng.standard_normal(people)
    return s, np.exp(0.2 * s) * rng.exponential(size=people), None


def beyond(rng, people):
    """A covariate has half of the variance, and the score most of the rest."""
    known, s = rng.standard_normal((people, 1)), rng.standard_normal(people)
    return s, known[:, 0] + 0.9 * s + np.sqrt(0.19) * rng.standard_normal(people), known


def weak(rng, people):
    """Three percent."""
    s = rng.standard_normal(people)
    return s, 0.03**0.5 * s + 0.97**0.5 * rng.standard_normal(people), None


# Cov(s, y) = 0.2 E(y), and E(y^2) = 2 exp(0.08) where E(y) = exp(0.02).
OF_SKEWED = 0.04 * np.exp(0.04) / (2 * np.exp(0.08) - np.exp(0.04))


@pytest.mark.parametrize(("draw", "truth"), [(weak, 0.03), (beyond, 0.81 / 2), (skewed, OF_SKEWED)])
def test_the_interval_of_r2_covers(draw, truth):
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(500):
        s, y, known = draw(rng, 300)
        found = explained(people_of(y, known), s)
        low, high = share_interval(found.added, np.sign(found.r))
        covered.append(low <= truth <= high)
    assert 0.91 < np.mean(covered) < 0.98


def test_an_interval_that_holds_no_correlation_begins_at_nothing():
    rng = np.random.default_rng(2)
    found = accuracy(rng.standard_normal(50), rng.standard_normal(50))
    assert found.low == 0.0 < found.r2 < found.high


def test_missing_values_are_left_out_and_too_few_is_one_line():
    y = np.array([1.0, 2.0, 3.0, 4.0, 5.5, np.nan])
    s = np.array([1.0, 2.1, 2.9, 4.2, np.nan, 1.0])
    assert accuracy(s, y).people == 4
    with pytest.raises(InputError, match=r"ph\.tsv: 3 people"):
        accuracy(s[:3], y[:3], "ph.tsv")
    with pytest.raises(InputError, match="too few"):
        accuracy(s[:4], np.ones(4))
    with pytest.raises(InputError, match="0 people"):
        accuracy(s, np.full(6, np.nan))
    with pytest.raises(InputError, match="0 people"):
        accuracy(s, y, covariates=np.full((6, 1), np.nan))


def test_r2_is_what_the_score_adds_to_covariates():
    """That of the fit with the score less that of the fit without, by least squares."""
    rng = np.random.default_rng(3)
    people = 500
    age, sex = 1950 + rng.standard_normal(people), rng.integers(0, 2, people)
    s = 0.6 * age + rng.standard_normal(people)
    y = 0.4 * s + 1.5 * age + sex + rng.standard_normal(people)
    # Columns that say the same, or nothing, are no harm.
    known = np.stack([age, sex, 1 - sex, np.full(people, 3.3)], axis=1)
    known[5, 0] = np.nan

    def explained(*columns: np.ndarray) -> float:
        keep = np.isfinite(known).all(axis=1)
        X = np.stack([np.ones(people), *columns], axis=1)[keep]
        rest = y[keep] - X @ np.linalg.lstsq(X, y[keep])[0]
        return 1 - rest.var() / y[keep].var()

    found = accuracy(s, y, covariates=known)
    alone = explained(age, sex)
    assert found.people == people - 1
    assert found.covariates == pytest.approx(alone)
    assert found.r2 == pytest.approx(explained(s, age, sex) - alone)
    assert found.low < found.r2 < found.high < accuracy(s, y).r2
    with pytest.raises(InputError, match="covariates tell all"):
        accuracy(s, y, covariates=s[:, None])
    with pytest.raises(InputError, match="covariates tell all"):
        accuracy(s, y, covariates=y[:, None])


def test_auc_and_its_error_are_those_of_delong():
    """Over all pairs of a case and a control, ties as one half."""
    rng = np.random.default_rng(4)
    y = (rng.random(90) < 0.4).astype(float)
    s = np.round(y + rng.standard_normal(90), 1)
    above = (np.sign(s[y == 1][:, None] - s[y == 0]) + 1) / 2
    error = above.mean(axis=1).var(ddof=1) / sum(y == 1) + above.mean(axis=0).var(ddof=1) / sum(
        y == 0
    )
    found = auc(people_of(y), s)
    assert found.value == pytest.approx(above.mean())
    assert found.error == pytest.approx(np.sqrt(error))
    area = mannwhitneyu(s[y == 1], s[y == 0]).statistic / (sum(y == 1) * sum(y == 0))
    assert found.value == pytest.approx(area)
    # Coded as PLINK does it, and in another unit.
    assert measures(judge({"s": 1e6 * s}, y + 1)).loc["AUC", "VALUE"] == pytest.approx(area)


def area_of(share: float) -> float:
    """AUC of a normal score that explains a share of the liability, by integration."""
    g = np.linspace(-8, 8, 4001)
    case = norm.pdf(g) * norm.sf((norm.isf(PREVALENCE) - np.sqrt(share) * g) / np.sqrt(1 - share))
    control = norm.pdf(g) - case
    case, control = case / case.sum(), control / control.sum()
    return float(case @ (np.cumsum(control) - control / 2))


@pytest.mark.parametrize(("share", "others"), [(0.1, ()), (0.3, ()), (0.15, (0.2, 0.05))])
def test_half_of_people_are_cases_of_a_disease_of_a_hundredth(share, others):
    """R² of the liability is the squared correlation with it, over covariates too; AUC is known."""
    rng = np.random.default_rng(5)
    values, covered = [], []
    for _ in range(200):
        y, parts = patients(rng, 1500, share, *others)
        people, score = people_of(y, parts[:, 1:] if others else None), parts[:, 0]
        liability = liability_share(explained(people, score), PREVALENCE, 0.5)
        low, high = share_interval(liability)
        values.append([liability.value])
        covered.append([low <= share <= high])
        if not others:
            area, truth = auc(people, score), area_of(share)
            values[-1].append(area.value)
            covered[-1].append(abs(area.value - truth) < 1.96 * area.error)
    truths = np.array([share] if others else [share, truth])
    error = np.std(values, axis=0) / np.sqrt(len(values))
    # Linear regression is not quite right of chosen people: two hundredths of the share.
    assert (np.abs(np.mean(values, axis=0) - truths) < 3.5 * error + 0.02 * share).all()
    assert (np.mean(covered, axis=0) > 0.9).all()
    assert (np.mean(covered, axis=0) < 0.99).all()


def test_auc_beyond_covariates_has_the_error_that_it_varies_by():
    """Also what their regression adds, which is a third here."""
    rng = np.random.default_rng(6)
    found = []
    for _ in range(400):
        y, parts = patients(rng, 800, 0.15, 0.3)
        one = auc(people_of(y, parts[:, 1:]), parts[:, 0])
        found.append((one.value, one.error))
    values, errors = np.array(found).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.15)


def test_odds_ratio_is_that_of_logistic_regression():
    rng = np.random.default_rng(7)
    people = 600
    known = rng.standard_normal((people, 2)) + np.array([40, 0])
    s = 5 + 0.3 * known[:, 1] + rng.standard_normal(people)
    eta = 0.8 * s + 0.5 * known[:, 1] - 4.5
    y = (rng.random(people) < 1 / (1 + np.exp(-eta))).astype(float)
    X = np.column_stack([np.ones(people), known - known.mean(0), s / s[y == 0].std()])

    def loss(b):
        return np.logaddexp(0, X @ b).sum() - y @ X @ b

    best = minimize(loss, np.zeros(4), method="BFGS")
    seen = measures(judge({"s": s}, y, known)).loc["OR_per_SD"]
    assert np.log(seen["VALUE"]) == pytest.approx(best.x[-1], rel=1e-3)
    p = 1 / (1 + np.exp(-X @ best.x))
    error = np.sqrt(np.linalg.inv(X.T @ ((p * (1 - p))[:, None] * X))[-1, -1])
    half = (np.log(seen["HIGH95"]) - np.log(seen["LOW95"])) / 2
    assert half == pytest.approx(1.96 * error, rel=0.1)
    # Nothing finite where the score tells all.
    apart = measures(judge({"s": y + 0.1 * rng.random(people)}, y))
    assert np.isnan(apart.loc["OR_per_SD"]).all()
    assert apart.loc["AUC", "VALUE"] == 1.0


def test_deciles_are_means_and_odds():
    rng = np.random.default_rng(8)
    s = rng.standard_normal(2000)
    y = s + rng.standard_normal(2000)
    found = judge({"s": s}, y).deciles
    tenth = np.argsort(np.argsort(s)) // 200
    means = [y[tenth == k].mean() for k in range(10)]
    assert found["DECILE"].tolist() == list(range(1, 11))
    np.testing.assert_allclose(found["MEAN"], means)
    half = [1.96 * y[tenth == k].std() / np.sqrt(200) for k in range(10)]
    np.testing.assert_allclose((found["HIGH95"] - found["LOW95"]) / 2, half, rtol=0.02)
    # Cases: against the middle.
    case = (y > 0.6).astype(float)
    case[tenth == 0] = np.arange(200) < 9
    found = judge({"s": s}, case).deciles
    counts = np.array([case[tenth == k].sum() for k in range(10)])
    odds = counts / (200 - counts)
    assert found["CASES"].tolist() == counts.tolist()
    np.testing.assert_allclose(found["ODDS_RATIO"], odds / np.sqrt(odds[4] * odds[5]))
    error = np.sqrt(
        1 / counts[9] + 1 / (200 - counts[9]) + sum(1 / counts[4:6] + 1 / (200 - counts[4:6])) / 4
    )
    width = np.log(found["HIGH95"][9] / found["LOW95"][9])
    assert width == pytest.approx(2 * 1.96 * error, rel=0.02)
    # Without cases in a tenth there are no odds, and the others keep theirs.
    none = case * (tenth > 0)
    few = judge({"s": s}, none).deciles
    assert np.isnan(few["ODDS_RATIO"][0])
    np.testing.assert_allclose(few["ODDS_RATIO"][1:], found["ODDS_RATIO"][1:])
    # People of one score are together.
    tied = judge({"s": np.round(s)}, y).deciles
    assert tied["PEOPLE"].sum() == 2000
    assert sorted(np.unique(np.round(s), return_counts=True)[1])[-1] == tied["PEOPLE"].max()
    assert len(judge({"s": s[:15]}, y[:15]).deciles) == 0


def test_deciles_hold_the_covariates():
    """A score that only follows a covariate has no deciles of its own."""
    rng = np.random.default_rng(9)
    known = rng.standard_normal((4000, 1))
    s = known[:, 0] + rng.standard_normal(4000)
    y = known[:, 0] + 0.5 * rng.standard_normal(4000)
    for phenotype, level in ((y, "MEAN"), ((y > 0.5).astype(float), "ODDS_RATIO")):
        middle = phenotype.mean() if level == "MEAN" else 1.0
        inside = []
        for covariates in (None, known):
            found = judge({"s": s}, phenotype, covariates).deciles
            inside.append(((found["LOW95"] <= middle) & (middle <= found["HIGH95"])).sum())
        assert inside[0] <= 3
        assert inside[1] >= 5


def test_differences_are_of_the_same_people():
    """Their errors are those by which they vary, which are smaller than of different people."""
    rng = np.random.default_rng(10)
    found = []
    for _ in range(300):
        y, parts = patients(rng, 600, 0.2, 0.1)
        scores = {"a": parts[:, 0] + 0.5 * parts[:, 1], "b": parts[:, 0] + parts[:, 1]}
        people = people_of(y)
        first, second = (
            (one.added, auc(people, score), liability_share(one, PREVALENCE, 0.5))
            for score in scores.values()
            for one in (explained(people, score),)
        )
        apart = [one.less(other) for one, other in zip(first, second, strict=True)]
        found.append([(one.value, one.error) for one in apart])
    values, errors = np.moveaxis(np.array(found), -1, 0)
    np.testing.assert_allclose(errors.mean(axis=0), values.std(axis=0), rtol=0.15)
    judged = judge(scores, y, prevalence=PREVALENCE)
    assert judged.differences["MEASURE"].tolist() == ["R2", "AUC", "R2_liability"]
    np.testing.assert_allclose(judged.differences[["DIFFERENCE", "SE"]], found[-1])
    shown = measures(judged, "a"), measures(judged, "b")
    wide = [(one["HIGH95"] - one["LOW95"]) / (2 * 1.96) for one in shown]
    apart = np.hypot(*wide)[["R2", "AUC", "R2_liability"]]
    assert (judged.differences["SE"].to_numpy() < 0.5 * apart).all()
    values = shown[0]["VALUE"] - shown[1]["VALUE"]
    np.testing.assert_allclose(judged.differences["DIFFERENCE"], values[apart.index])


def test_a_score_against_itself_has_no_difference():
    rng = np.random.default_rng(11)
    s = rng.standard_normal(100)
    judged = judge({"a": s, "b": 2 * s, "c": -s}, s + rng.standard_normal(100))
    pairs = judged.differences.set_index(["FIRST", "SECOND"])
    assert list(pairs.index) == [("a", "b"), ("a", "c"), ("b", "c")]
    np.testing.assert_allclose(pairs["DIFFERENCE"], 0, atol=1e-12)
    lines = accuracy_lines(judged)
    assert ["NEGATIVE" in line for line in lines[:3]] == [False, False, True]


def test_only_two_values_beside_each_other_are_cases_and_controls():
    rng = np.random.default_rng(12)
    s = rng.standard_normal(60)
    for low, high in [(0, 1), (1, 2), (0, 2), (3, 4)]:
        y = np.where(s + rng.standard_normal(60) > 0, high, low).astype(float)
        y[0] = np.nan
        judged = judge({"s": s}, y)
        assert (judged.status is not None) == ((low, high) in [(0, 1), (1, 2)])
        if judged.status is not None:
            np.testing.assert_array_equal(judged.status[1:], y[1:] == high)
            assert np.isnan(judged.status[0])
