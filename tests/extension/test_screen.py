"""What another package adds to the dashboard and to the locus figure is found by both."""

import json
import shutil

DASHBOARD = """
import json, sys
import deepwas_app as dw
dashboard = dw.explore(sys.argv[1])
for address in ("count", "locus"):
    dashboard.state.page = address
    dashboard.poller.poll()
menu = [item["label"] for item in dashboard.menu.items]
shown = [section[1].object for section in dashboard.pages["count"]._content]
figure = dashboard.pages["locus"].figure
labels = [drawn.yaxis.axis_label for drawn in figure.figures]
points = len(figure.tracks["frequency"].points.data["x"])
alone = dw.CountPage.heading
print(json.dumps([menu, shown, labels, points, alone]))
"""

VALUES = """
import json, sys, time
import deepwas_app as dw
from deepwas_app.workflow.results import sparse
# A second of sampling, not a minute.
sparse.PRECISE = 0.3
page = dw.LocusPage(sys.argv[1])
track, figure = page.figure.tracks["uncertainty"], page.figure
end = time.monotonic() + 120
while not {"heritability", "uncertainty"} <= figure.locus.values.keys():
    assert time.monotonic() < end, "nothing was computed"
    page.poller.poll()
    time.sleep(0.02)
offered, measure = list(page.choices.value.options), figure.locus.measure
labels = [drawn.yaxis.axis_label for drawn in figure.figures]
sd = track.points.data["value"].tolist()
page.state.selected = []
left = track.shown(figure.locus)
study = dw.open_study(sys.argv[1])
whole = dw.posterior(study, sys.argv[2])["variant_posterior_variance"].values[page.rows] ** 0.5
region = f"{page.region:,}".replace(",", "")
alone = dw.plot.locus(study, region, sys.argv[2])
alone = [drawn.yaxis.axis_label for drawn in alone.children]
print(json.dumps([offered, measure, labels, sd, whole.tolist(), left, alone]))
"""


def test_a_page_and_a_track_are_a_file_each(run_python, small_study, tmp_path):
    study = tmp_path / "small.study.zarr"
    shutil.copytree(small_study.attrs["path"], study)
    found = json.loads(run_python("-c", DASHBOARD, study).splitlines()[-1])
    menu, shown, labels, points, alone = found
    assert menu[3:5] == ["Locus", "Count"]
    assert len(menu) == 8
    assert shown == ["6,000"]
    assert labels[:2] == ["−log₁₀ P", "Frequency"]
    assert labels[-1] == "Genes"
    assert points > 100
    assert alone == "Count"


def test_a_track_of_a_new_value_is_two_files(run_python, small_study, small_runs, tmp_path):
    study, run = tmp_path / "small.study.zarr", tmp_path / "linear.run"
    shutil.copytree(small_study.attrs["path"], study)
    shutil.copytree(small_runs.linear.path, run)
    found = json.loads(run_python("-c", VALUES, study, run).splitlines()[-1])
    offered, measure, labels, sd, whole, left, alone = found
    assert offered == [
        "Prior heritability",
        "Posterior mean effect",
        "Genome-wide PIP",
        "Posterior s.d.",
    ]
    assert measure == "Prior h²"
    assert labels == alone
    assert labels[1] == "Frequency"
    assert labels[2].startswith("Prior h² (×10")
    assert labels[3] == "S.d. of √N β"
    assert sd == whole
    assert len(sd) > 100
    assert not left
