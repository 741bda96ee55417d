"""SVG and PNG files of plots, drawn by the browser that is installed."""

import struct
import xml.etree.ElementTree as ET

import pytest

import deepwas_app as dw
from deepwas_app.cells import files
from deepwas_app.errors import InputError

SVG = "{http://www.w3.org/2000/svg}"


def test_plots_side_by_side_are_one_svg_of_dots_and_words(chromium, small_study, tmp_path):
    drawn = dw.plot.manhattan(small_study) + dw.plot.qq(small_study)
    picture = ET.parse(dw.plot.save(drawn, tmp_path / "both.svg", width=800)).getroot()
    assert picture.tag == f"{SVG}svg"
    assert picture.get("width") == "800"
    words = {text.text for text in picture.iter(f"{SVG}text")}
    assert {"Chromosome", "Expected −log₁₀ P"} <= words
    # Dots of a legend, and nothing larger, are of pixels.
    assert all(float(dot.get("width")) <= 40 for dot in picture.iter(f"{SVG}image"))
    assert len(list(picture.iter(f"{SVG}path"))) > 1000


def test_a_locus_is_one_png_and_stays_as_it_was(chromium, small_study, tmp_path):
    locus = dw.plot.locus(small_study, "5:1-300kb")
    before = locus.children[0].toolbar_location
    content = dw.plot.save(locus, tmp_path / "locus.PNG", width=700).read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    across, down = struct.unpack(">II", content[16:24])
    assert across == 1400
    assert down > 600
    assert locus.children[0].toolbar_location == before


@pytest.mark.parametrize(
    ("name", "browsers", "problem"),
    [
        ("x.pdf", ("true",), r"x.pdf: pictures are written as .html, .svg or .png. Name one"),
        ("x.svg", (), "none is installed. Write .html"),
        ("x.svg", ("false",), "false did not draw it: no word."),
    ],
)
def test_what_cannot_be_drawn_is_one_line_and_no_file(
    name, browsers, problem, small_study, tmp_path, monkeypatch
):
    monkeypatch.setattr(files, "BROWSERS", browsers)
    with pytest.raises(InputError, match=problem):
        dw.plot.save(dw.plot.qq(small_study), tmp_path / name)
    assert not list(tmp_path.iterdir())
