"""Whatever others call their studies, variants, annotations and runs, no script of theirs runs."""

import socket
import time
from collections.abc import Iterator

import pytest
import xarray as xr
from playwright.sync_api import Page, expect

from deepwas_app.app.pages import PAGES

SECOND = 1000
# Each would set window.ran in another way.
HOSTILE = (
    "<img src=x onerror=window.ran=1><script>window.ran=2</script>"
    "<svg onload=window.ran=3><%= window.ran=4 %>${window.ran=5}{{window.ran=6}}'\"</script>"
)


@pytest.fixture
def hostile_url(small_study, small_runs, tmp_path, monkeypatch) -> Iterator[str]:
    """The dashboard on a study whose every name is a script, with a run that is called so too."""
    import panel as pn
    from bokeh.server.tornado import BokehTornado
    from tornado.web import Application

    from deepwas_app.app import explore, store
    from deepwas_app.app.jobs import JOBS
    from deepwas_app.app.requests import protect
    from deepwas_app.app.serving import show_exception
    from deepwas_app.workflow.runs.run import Run
    from deepwas_app.workflow.runs.train import train
    from deepwas_app.workflow.settings import TrainSettings

    monkeypatch.setenv("DEEPWAS_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.setattr(BokehTornado, "get_handler_delegate", Application.get_handler_delegate)
    monkeypatch.setattr(Run, "check_study", lambda *_: None)

    def named(names: xr.DataArray) -> tuple:
        return (names.dims, [f"{HOSTILE}{name}" for name in names.values])

    study = small_study.assign(variant_id=named(small_study["variant_id"])).assign_coords(
        annotation=named(small_study["annotation"])
    )
    study.attrs |= {
        "title": HOSTILE,
        "provenance": [{"role": HOSTILE, "path": HOSTILE, "format": HOSTILE, "size": 1}],
    }
    name = HOSTILE.replace("/", "")
    for prior in ("constant", "linear"):
        path = store.runs_folder(study) / f"{name[:180]}{prior}.run"
        train(study, TrainSettings(prior=prior), path)

    def page() -> object:
        pn.extension("tabulator", notifications=True, exception_handler=show_exception)
        shell = explore(study)
        shell.state.say(HOSTILE, "error")
        return shell

    protect()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = pn.serve(
        page,
        port=port,
        address="localhost",
        threaded=True,
        show=False,
        verbose=False,
        websocket_origin=[f"localhost:{port}"],
    )
    time.sleep(1)
    yield f"http://localhost:{port}/"
    JOBS.stop()
    server.stop()


def test_no_script_of_others_runs_on_any_page(chromium, hostile_url):
    page: Page = chromium.new_page(viewport={"width": 1280, "height": 1000})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(hostile_url, timeout=60 * SECOND)
    hovered = 0
    for one in PAGES.values():
        button = page.get_by_role("navigation").get_by_role("button", name=one.heading, exact=True)
        button.click(timeout=60 * SECOND)
        heading = page.get_by_role("heading", level=1, name=one.heading)
        expect(heading).to_be_visible(timeout=60 * SECOND)
        page.wait_for_timeout(3 * SECOND)
        for canvas in page.locator(".bk-Canvas:visible").all()[:6]:
            canvas.scroll_into_view_if_needed()
            box = canvas.bounding_box()
            for k in range(24):
                share = (k + 0.5) / 24
                page.mouse.move(
                    box["x"] + share * box["width"], box["y"] + (k % 6 + 1) / 7 * box["height"]
                )
                page.wait_for_timeout(30)
                hovered += page.locator(".bk-Tooltip:visible").count() > 0
        assert page.evaluate("window.ran ?? 0") == 0, one.heading
    assert hovered > 0, "no tip was shown, so none was tried"
    # Were they HTML somewhere after all, the policy would hold.
    page.evaluate("words => { document.body.insertAdjacentHTML('beforeend', words) }", HOSTILE)
    page.wait_for_timeout(SECOND)
    assert page.evaluate("window.ran ?? 0") == 0, "the policy lets inline handlers run"
    assert not problems
    page.close()


def test_these_words_run_where_nothing_holds(chromium):
    """Else the other test could not fail."""
    page: Page = chromium.new_page()
    page.set_content(HOSTILE)
    page.wait_for_function("window.ran > 0", timeout=30 * SECOND)
    page.close()
