"""Pictures of what scores predict."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

import deepwas_app as dw
from deepwas_app.errors import InputError
from deepwas_app.plots.scores import score_deciles, score_density
from deepwas_app.workflow.results.accuracy import judge
from deepwas_app.workflow.results.score import Scored


@pytest.fixture
def people():
    rng = np.random.default_rng(0)
    s = rng.standard_normal((2, 1000))
    return s, s.sum(axis=0) + rng.standard_normal(1000)


def test_densities_are_of_cases_and_controls_in_sd_of_controls(people):
    (s, _), y = people
    status = np.where(y > 1, 1.0, 0.0)
    status[:10] = np.nan
    control, case = score_density(40 + 3 * s, status).values()
    for drawn, members in ((control, status == 0), (case, status == 1)):
        edges, density = drawn.edges, drawn.dimension_values("density")
        assert np.sum(density * np.diff(edges)) == pytest.approx(1)
        middle = (edges[1:] + edges[:-1]) / 2
        mean = (s[members].mean() - s[status == 0].mean()) / s[status == 0].std()
        assert np.average(middle, weights=density) == pytest.approx(mean, abs=0.1)
        assert drawn.label.startswith(f"{members.sum()} ")
    hv.render(score_density(s, status))


def test_deciles_are_points_with_intervals_over_the_middle(people):
    s, y = people
    scores = dict(zip("ab", s, strict=True))
    means = judge(scores, y).deciles
    drawn = score_deciles(means, "height")
    points = [one for one in drawn.values() if isinstance(one, hv.Points)]
    assert [one.label for one in points] == ["a", "b"]
    np.testing.assert_allclose(points[1].dimension_values("MEAN"), means["MEAN"][10:])
    # Side by side, and none hides another.
    np.testing.assert_allclose(points[1].dimension_values("x") - range(1, 11), 0.2)
    bars = next(one for one in drawn.values() if isinstance(one, hv.Segments))
    np.testing.assert_allclose(bars.dimension_values("HIGH95"), means["HIGH95"][:10])
    assert hv.render(drawn).yaxis[0].axis_label == "Mean height"
    odds = judge(scores, np.where(y > 0, 1.0, 0.0)).deciles
    drawn = score_deciles(odds)
    assert any(isinstance(one, hv.HLine) and one.data == 1.0 for one in drawn.values())
    assert type(hv.render(drawn).y_scale).__name__ == "LogScale"


def test_a_result_is_drawn_by_its_public_names(people):
    (s, _), y = people
    table = pd.DataFrame({"FID": "1", "IID": range(1000), "ALLELE_CT": 2, "SCORE_SUM": s})
    table = table.assign(SCORE_AVG=s, height=y)
    scored = Scored(table, [], judge({"w": s}, y))
    assert hv.render(dw.plot.score_deciles(scored)).yaxis[0].axis_label == "Mean height"
    with pytest.raises(InputError, match="quantitative"):
        dw.plot.score_density(scored)
    status = Scored(table, [], judge({"w": s}, np.where(y > 0, 2.0, 1.0)))
    assert len(dw.plot.score_density(status)) == 2
    with pytest.raises(InputError, match="no phenotype"):
        dw.plot.score_deciles(Scored(table, [], None))
