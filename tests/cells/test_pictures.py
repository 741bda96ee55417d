"""Plain plots in cells: shown without set-up, and what they need is brought once."""

import holoviews as hv
import pytest
from bokeh.document import Document

import deepwas_app as dw
from deepwas_app.cells import pictures, resources


class Kernel:
    """In place of IPython's shell in a kernel, in one cell."""

    kernel = object()
    cell = "first"

    def get_parent(self) -> dict:
        return {"metadata": {"cellId": self.cell}}


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    shell = Kernel()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    return shell


@pytest.fixture
def brought(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What cells displayed, beside what they show."""
    displayed: list[dict] = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: displayed.append(data))
    monkeypatch.setattr(resources, "_BROUGHT", set())
    monkeypatch.setattr(resources, "_code", lambda: "code")
    return displayed


def test_plots_alone_and_together_are_what_a_cell_displays(small_study, kernel, brought):
    manhattan, qq = dw.plot.manhattan(small_study), dw.plot.qq(small_study)
    shown = (manhattan, manhattan + qq, manhattan * hv.HLine(3), manhattan + qq)
    for kernel.cell, drawn in enumerate(shown):
        data, _ = drawn._repr_mimebundle_()
        assert "minus_log10_p" in data["text/html"]
    kernel.cell = "last"
    data, _ = dw.plot.locus(small_study, "5:1-300kb")._repr_mimebundle_()
    assert "rs" in data["text/html"]
    assert brought == [{"application/javascript": "code"}]


def test_the_cell_that_brought_what_all_need_brings_it_again(kernel, brought):
    for kernel.cell in ("first", "second", "second", "first"):
        resources.load()
    assert len(brought) == 2


def test_a_terminal_has_words(small_study):
    assert pictures.content(dw.plot.qq(small_study)) is None
    assert "Points" in repr(dw.plot.qq(small_study))


def test_what_hv_extension_sets_up_is_left_to_it(monkeypatch):
    monkeypatch.setattr(hv.Store, "_display_hooks", {"html": {hv.Layout: print}})
    pictures.show_plots()
    assert hv.Store._display_hooks == {"html": {hv.Layout: print}}


def test_a_plot_is_light(small_study, kernel, brought):
    """None of the 0.15 MB that says how Panel's own models are made."""
    data, _ = dw.plot.z_histogram(small_study)._repr_mimebundle_()
    assert len(data["text/html"]) < 5e4
    # Views, which are made of these, are told of them.
    assert "defs" in Document().to_json(deferred=False)
