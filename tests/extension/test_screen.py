"""A page and a track of another package are found by the dashboard and by the locus figure."""

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
