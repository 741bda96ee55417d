"""Views in real JupyterLab: what the browser's document has is what the kernel has."""

import json
import math
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page

SECOND = 1000
# What views are made of, from the kernel and from the browser, in the same words.
KERNEL = """
import asyncio, json
import numpy as np
from bokeh.models import ColumnDataSource, Range1d
from deepwas_app.app import notebook

def told(values):
    values = np.asarray(values)
    # An empty column is of no kind in the browser.
    numbers = values.dtype.kind in "fiu" or not len(values)
    return [len(values), float(np.nansum(values.astype(float))) if numbers else list(values)]

def views():
    found = {}
    for shown in notebook._SHOWN.values():
        # JupyterLab draws what comes into sight.
        for model in shown._root.references() if shown._copies else ():
            if isinstance(model, ColumnDataSource):
                found[model.id] = {name: told(column) for name, column in model.data.items()}
            elif isinstance(model, Range1d):
                found[model.id] = [model.start, model.end]
    print("VIEWS" + json.dumps(found))
"""
BROWSER = """() => {
  const told = (values) => {
    values = [...values]
    const numbers = values.every((value) => typeof value == "number")
    return [values.length, numbers
      ? values.filter((value) => !isNaN(value)).reduce((sum, value) => sum + value, 0) : values]
  }
  const found = {}
  for (const place of window.Bokeh?.documents ?? []) {
    for (const model of place._all_models.values()) {
      if (model.type == "ColumnDataSource") {
        found[model.id] = Object.fromEntries(
          Object.entries(model.data).map(([name, column]) => [name, told(column)]))
      } else if (model.type == "Range1d") {
        found[model.id] = [model.start, model.end]
      }
    }
  }
  return found
}"""
POINT = """() => {
  for (const place of Bokeh.documents) {
    for (const figure of [...place._all_models.values()].filter((m) => m.type == "Figure")) {
      const glyph = figure.renderers.find((renderer) => renderer.name == "variants")
      if (!glyph) { continue }
      const view = Bokeh.index.find_one_by_id(figure.id)
      const box = view.canvas_view.el.getBoundingClientRect()
      const {x, minus_log10_p, variant} = glyph.data_source.data
      const height = [...minus_log10_p]
      const top = height.indexOf(Math.max(...height.filter((_, i) => i % 3 == 1)))
      return [box.left + view.frame.x_scale.compute(x[top]),
              box.top + view.frame.y_scale.compute(minus_log10_p[top]), variant[top]]
    }
  }
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[tuple[str, Path]]:
    """JupyterLab's address, and the folder that it shows."""
    home = tmp_path_factory.mktemp("jupyter")
    (home / "notebooks").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    folders = {name: str(home / name.lower()) for name in names}
    folders["DEEPWAS_DATA_ROOT"] = str(home / "data")
    # As behind JupyterHub.
    address = f"http://127.0.0.1:{port}/hub/user/ann/"
    words = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    words += ["--ip=127.0.0.1", "--IdentityProvider.token=", "--ServerApp.base_url=/hub/user/ann/"]
    words += [f"--ServerApp.root_dir={home / 'notebooks'}", "--ServerApp.port_retries=0"]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(words, env=os.environ | folders, stdout=log, stderr=log)
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{address}api", timeout=10) as answer:
                answer.read()
            break
        except OSError:
            assert time.monotonic() < end, (home / "log").read_text()
            time.sleep(0.2)
    yield address, home / "notebooks"
    server.terminate()
    server.wait(20)


class Notebook:
    """A notebook in the browser."""

    def __init__(self, page: Page, lab: tuple[str, Path], name: str, *cells: str) -> None:
        self.page = page
        address, folder = lab
        self.path = folder / f"{name}.ipynb"
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        made = [nbformat.v4.new_code_cell(cell) for cell in (KERNEL, *cells)]
        nbformat.write(
            nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel}), self.path
        )
        page.goto(f"{address}lab/tree/{name}.ipynb?reset")
        self.opened()
        self.cells = page.locator(".jp-Notebook .jp-CodeCell")

    def opened(self) -> None:
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60 * SECOND)
        self.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60 * SECOND)

    def save(self) -> None:
        before = self.path.stat().st_mtime_ns
        self.page.keyboard.press("Control+s")
        end = time.monotonic() + 30
        while self.path.stat().st_mtime_ns == before:
            assert time.monotonic() < end, "the notebook is not saved"
            self.page.wait_for_timeout(100)

    def menu(self, name: str, item: str) -> None:
        self.page.get_by_role("menuitem", name=name, exact=True).click()
        self.page.get_by_text(item, exact=True).click()

    def run_all(self) -> None:
        self.menu("Run", "Run All Cells")
        self.settle()

    def run(self, index: int) -> str:
        """Run a cell once more; what it wrote."""
        cell = self.cells.nth(index)
        cell.locator(".cm-content").click()
        before = self.prompts()[index]
        self.page.keyboard.press("Control+Enter")
        end = time.monotonic() + 60
        while self.prompts()[index] == before:
            assert time.monotonic() < end, "the cell does not begin"
            self.page.wait_for_timeout(50)
        self.settle()
        return "\n".join(cell.locator(".jp-OutputArea-output pre").all_inner_texts())

    def prompts(self) -> list[str]:
        return [words.strip() for words in self.cells.locator(".jp-InputPrompt").all_inner_texts()]

    def settle(self) -> None:
        end = time.monotonic() + 120
        while {"[*]:", "[ ]:"} & set(self.prompts()):
            assert time.monotonic() < end, f"cells do not end: {self.prompts()}"
            self.page.wait_for_timeout(100)

    def agrees(self, index: int, until: Callable[[dict], bool]) -> dict:
        """Wait until the browser has all that the kernel has, and the kernel what it should."""
        end = time.monotonic() + 60
        while True:
            kernel = json.loads(self.run(index).split("VIEWS")[1])
            differ = differences(kernel, self.page.evaluate(BROWSER))
            if until(kernel) and not differ:
                return kernel
            assert time.monotonic() < end, f"{until(kernel)} of {len(kernel)}; {differ[:5]}"
            self.page.wait_for_timeout(SECOND)


def differences(kernel: dict, browser: dict) -> list[str]:
    def same(one, other) -> bool:
        if isinstance(one, (int, float)) and isinstance(other, (int, float)):
            return math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-3)
        if isinstance(one, list) and isinstance(other, list):
            return len(one) == len(other) and all(map(same, one, other))
        return one == other

    found = [f"{name} is not there" for name in kernel.keys() - browser.keys()]
    for name in kernel.keys() & browser.keys():
        mine, theirs = kernel[name], browser[name]
        if isinstance(mine, dict):
            found += [
                f"{name}.{c}" for c in mine if c not in theirs or not same(mine[c], theirs[c])
            ]
        elif not same(mine, theirs):
            found.append(f"{name}: {mine} and {theirs}")
    return found


def known_r2(models: dict) -> int:
    """How many variants of the locus have a known r2 to the reference, by colour."""
    (colours,) = [m["colour"][1] for m in models.values() if "r2" in m]
    return sum(colour != "#AAAAAA" for colour in colours)


def test_a_locus_follows_code_and_hand(page: Page, lab, height) -> None:
    notebook = Notebook(
        page,
        lab,
        "locus",
        "import deepwas_app as dw\npage = dw.LocusPage('height_chr22')\npage",
        "page.state.region = '22:30500000-31500000'",
        "await asyncio.sleep(0.5)\nviews()",
        "ids = page.state.study.variant_id.values\nprint(page.region, ids[page.variant.row])",
        "None",
    )
    # Code that does not wait for the browser.
    notebook.run_all()
    notebook.agrees(3, lambda models: [30.5, 31.5] in models.values() and known_r2(models) > 300)
    # Shown again in another cell, it has moved there.
    notebook.cells.nth(5).locator(".cm-content").fill("page")
    notebook.run(5)
    notebook.cells.nth(1).scroll_into_view_if_needed()
    page.get_by_text("has moved there").wait_for(timeout=20 * SECOND)
    # By hand, read in the next cell.
    box = notebook.cells.nth(5).get_by_label("Region, gene or variant")
    box.fill("22:45000000-46000000")
    box.press("Enter")
    notebook.agrees(3, lambda models: [45, 46] in models.values())
    assert "45000000" in notebook.run(4).replace(",", "")
    # A click on a variant.
    notebook.cells.nth(5).get_by_text("Reference variant").first.scroll_into_view_if_needed()
    end = time.monotonic() + 60
    while True:
        # On a busy machine the figure is still being laid out, and moves from under a click.
        page.wait_for_timeout(2 * SECOND)
        x, y, variant = page.evaluate(POINT)
        page.mouse.click(x, y)
        page.wait_for_timeout(2 * SECOND)
        if variant in notebook.run(4):
            break
        assert time.monotonic() < end, f"{variant} is not what the kernel has"
        notebook.cells.nth(5).get_by_text("Reference variant").first.scroll_into_view_if_needed()
    notebook.agrees(3, lambda models: known_r2(models) > 0)
    # Loaded again, the page has what the kernel has, not what it once showed.
    notebook.save()
    assert notebook.path.stat().st_size < 5e6
    page.reload()
    notebook.opened()
    notebook.agrees(3, lambda models: [45, 46] in models.values())
    # After the kernel is gone, that is said.
    notebook.menu("Kernel", "Restart Kernel…")
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    page.get_by_text("The kernel of this view has ended").wait_for(timeout=20 * SECOND)


def test_a_training_is_watched(page: Page, lab, small_study) -> None:
    notebook = Notebook(
        page,
        lab,
        "training",
        f"import deepwas_app as dw\npage = dw.TrainPage({small_study.attrs['path']!r})\npage",
        "page.settings.param.update(prior='linear', epochs=3)\npage.start()\n"
        "while not page.progress.job.status.over:\n    await asyncio.sleep(0.1)\n"
        "await asyncio.sleep(1)",
        "await asyncio.sleep(0.5)\nviews()",
    )
    notebook.run_all()
    # A point of the held-out gain for each pass, and one before the first.
    gains = {"step", "value", "low", "high"}
    points = {m["value"][0] for m in notebook.agrees(3, bool).values() if gains == set(m)}
    assert points in ({3}, {4})


def test_a_loop_in_the_cell_that_shows_the_view_draws(page: Page, lab, small_study) -> None:
    notebook = Notebook(
        page,
        lab,
        "loop",
        f"import deepwas_app as dw\nstudy = dw.open_study({small_study.attrs['path']!r})\n"
        "import time\nfrom IPython.display import display\nsteps = list(dw.fit(study, 'linear'))",
        "view = dw.TrainView()\ndisplay(view)\n"
        "end = time.monotonic() + 60\nwhile time.monotonic() < end and not view.running:\n"
        "    view.add(steps[-1])\n    time.sleep(0.3)",
    )
    notebook.menu("Run", "Run All Cells")
    points = """() => (window.Bokeh?.documents ?? []).flatMap((place) =>
      [...place._all_models.values()]
        .filter((model) => model.type == "ColumnDataSource" && "step" in model.data)
        .map((model) => model.data.step.length))"""
    page.wait_for_function(f"Math.max(0, ...({points})()) > 1", timeout=60 * SECOND)
    # The cell goes on.
    assert notebook.prompts()[2] == "[*]:"


def test_small_views_and_plots(page: Page, lab, small_study) -> None:
    path = small_study.attrs["path"]
    notebook = Notebook(
        page,
        lab,
        "small",
        f"import deepwas_app as dw\nstudy = dw.open_study({path!r})\n"
        "dw.plot.manhattan(study) + dw.plot.qq(study)",
        "view = dw.LocusView(study)\nview",
        "view.region = 'chr5:1-300kb'\nview.selected_variants = [view.reference]",
        "train = dw.TrainView()\ntrain",
        # The prompt is free at once.
        "train.follow(dw.fit(study, 'linear'))\nprint(train.running, train.step)",
        "while train.running:\n    await asyncio.sleep(0.1)\nawait asyncio.sleep(1)\nviews()",
        "dw.plot.locus(study, 'chr5:1-300kb')",
    )
    notebook.run_all()
    notebook.cells.nth(5).scroll_into_view_if_needed()
    notebook.cells.nth(5).get_by_text("True 0", exact=True).wait_for(timeout=20 * SECOND)
    gains = {"step", "value", "low", "high"}
    models = notebook.agrees(
        6,
        lambda models: (
            [0.001, 0.3] in models.values()
            and any(gains == set(model) and model["step"][0] > 1 for model in models.values())
        ),
    )
    assert models
    # Plots are only in the browser.
    drawn = page.evaluate(BROWSER).values()
    for index in (1, 7):
        notebook.cells.nth(index).scroll_into_view_if_needed()
        notebook.cells.nth(index).locator("canvas").first.wait_for(timeout=20 * SECOND)
    assert any("minus_log10_p" in m and m["minus_log10_p"][0] > 500 for m in drawn)
    notebook.save()
    assert notebook.path.stat().st_size < 5e6


PAGES = ("Study", "Train", "Annotations", "Locus", "Compare", "Scaling", "Export")


def test_ten_views_in_one_notebook(page: Page, lab, small_study, small_runs) -> None:
    path, run = small_study.attrs["path"], str(small_runs.linear.path)
    views = [f"dw.{name}Page(study)" for name in PAGES]
    views += ["dw.explore(study)", "dw.LocusView(study)", f"dw.AnnotationView(study, [{run!r}])"]
    notebook = Notebook(
        page,
        lab,
        "ten",
        f"import deepwas_app as dw\nstudy = dw.open_study({path!r})",
        *views,
        "print([len(shown._copies) for shown in notebook._SHOWN.values()])\nviews()",
    )
    notebook.run_all()
    for index in range(2, 2 + len(views)):
        notebook.cells.nth(index).scroll_into_view_if_needed()
        notebook.cells.nth(index).locator("[data-root-id]").first.wait_for(timeout=60 * SECOND)
    end = time.monotonic() + 120
    while "0" in (copies := notebook.run(2 + len(views)).split("]")[0]):
        assert time.monotonic() < end, copies
        page.wait_for_timeout(SECOND)
    assert copies.count("1") == len(views) == 10
    # Every one has what the kernel has.
    notebook.agrees(2 + len(views), lambda models: len(models) > 20)
    notebook.save()
    # 2.8 MB for all, then at most 2 MB each.
    assert notebook.path.stat().st_size < 10e6
