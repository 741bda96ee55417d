"""Likelihood against size on the built-in simulated study: the table and the figure.

    python benchmarks/scaling.py [--seeds 3] [--sizes linear,XS,S] [--folder DIR] [-o benchmarks]

Every size with both objectives, judged by the full likelihood of chromosomes that were held out;
each run trains for all its epochs and keeps the one that predicts the validation chromosomes
best. What is in `--folder` already is not trained again. The figure needs Chromium.
"""

import argparse
import tempfile
import time
from pathlib import Path

import holoviews as hv
import holoviews.plotting.bokeh
from bokeh.embed import file_html
from bokeh.resources import INLINE
from conftest import machine
from playwright.sync_api import sync_playwright

from deepwas_app.plots.scaling import scaling_curve
from deepwas_app.workflow.results.scaling import summary
from deepwas_app.workflow.runs.sweep import Sweep, scaling
from deepwas_app.workflow.settings import ScalingSettings
from deepwas_app.workflow.studies.builtin import open_study

EPOCHS = 15


def picture(found: Sweep, path: Path) -> None:
    """The curve of the Scaling page, as a PNG."""
    said = summary(found)
    curve = scaling_curve(said.fits, said.means, said.truth).opts(responsive=False, width=760)
    page_source = file_html(hv.render(curve), INLINE, "Likelihood against size")
    with sync_playwright() as tools:
        browser = tools.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 790, "height": 450}, device_scale_factor=2)
        page.set_content(page_source)
        page.wait_for_timeout(2_000)
        page.screenshot(path=path)
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sizes", default="linear,XS,S,M,L,XL")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    settings = ScalingSettings(
        sizes=given.sizes.split(","),
        seeds=given.seeds,
        epochs=given.epochs,
        patience=given.epochs,
    )
    folder = given.folder or Path(tempfile.mkdtemp())
    study = open_study("simulated")
    wall, cpu = time.monotonic(), time.process_time()
    found = scaling(study, settings, folder)
    print(machine())
    print(f"{time.monotonic() - wall:.0f} s, {time.process_time() - cpu:.0f} s of CPU")
    print(found.table.to_string(), found.steps.to_string(), f"truth {found.truth:.1f}", sep="\n")
    if given.output:
        options = {"sep": "\t", "index": False, "float_format": "%.5g"}
        found.table.to_csv(given.output / "scaling.tsv", **options)
        steps = found.steps.assign(truth=found.truth, machine=machine())
        steps.to_csv(given.output / "scaling_steps.tsv", **options)
        picture(found, given.output / "scaling.png")


if __name__ == "__main__":
    main()
