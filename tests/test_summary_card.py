"""What cells show of studies, runs and results: small, escaped, without scripts."""

import re
from dataclasses import replace

import pytest

import deepwas_app as dw
from deepwas_app.summary_card import card, dataset_card, error_of, show_datasets

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> & \"'"


def checked(shown: str) -> str:
    """It is small, and has no tag but those of the card."""
    assert len(shown) < 4000
    assert set(re.findall(r"<(\w+)", shown)) <= {"div", "strong", "table", "tr", "th", "td"}
    return shown


def test_text_of_others_is_escaped_and_long_text_is_cut():
    shown = checked(card(HOSTILE, {HOSTILE: HOSTILE, "long": "x" * 9999, "none": None, "": ""}))
    assert shown.count("&lt;script&gt;") == 3
    assert "none" not in shown
    assert error_of(1.23456, 0.0123, "nats") == "1.23 ± 0.012 nats"
    assert error_of(1.5, None) == "1.5"
    assert error_of(None, None) == ""


def test_a_study_is_a_card_and_other_datasets_stay(small_study):
    hostile = small_study.assign_attrs(title=HOSTILE)
    hostile["annotation"] = [HOSTILE] * hostile.sizes["annotations"]
    shown = checked(dataset_card(hostile))
    assert '<td style="text-align: left">6,000</td>' in shown
    part = small_study[["variant_z"]]
    assert len(dataset_card(part)) == len(part._repr_html_()) > 4000


def test_cells_show_datasets_so(small_study, monkeypatch):
    from IPython.core.formatters import DisplayFormatter

    class Shell:
        display_formatter = DisplayFormatter()

    monkeypatch.setattr("IPython.get_ipython", Shell)
    show_datasets()
    formatter = Shell.display_formatter.formatters["text/html"]
    assert formatter(small_study) == dataset_card(small_study)


def test_runs_and_results_are_cards(small_study, small_runs, tmp_path, monkeypatch):
    run = small_runs.linear
    gain = f"{run.summary['gain']:.3g} ± {run.summary['gain_se']:.2g} nats"
    assert gain in checked(run._repr_html_())
    assert "not finished" in checked(replace(run, summary={})._repr_html_())
    *_, fit = dw.fit(small_study, "linear", epochs=1)
    assert "Heritability" in checked(fit._repr_html_())
    assert len(repr(fit)) < 200
    assert "fitting" in checked(next(dw.fit(small_study, "linear"))._repr_html_())
    found = dw.fine_map(small_study, run, "5:1-300kb")
    assert "Credible sets" in checked(found._repr_html_())
    found.sets.loc[len(found.sets)] = {
        name: {"PRIOR": "model", "LEAD_SNP": HOSTILE}.get(name, 1) for name in found.sets
    }
    assert "&lt;script&gt;" in checked(found._repr_html_())


def test_a_sweep_is_a_card(small_study, tmp_path):
    sweep = dw.scaling(small_study, path=tmp_path, sizes=["linear"], objectives=["likelihood"])
    assert "Largest gain" in checked(sweep._repr_html_())
    assert "Fits" in checked(sweep._replace(table=sweep.table.iloc[:0])._repr_html_())


@pytest.mark.parametrize("name", ["panel"])
def test_a_panel_is_a_card(name, tmp_path):
    from deepwas_app.genetics.builtin import data_dir

    files = {"bfile": str(data_dir() / "height_chr22" / "genotypes"), "max_block": 800}
    panel = dw.open_panel(dw.build_ld(**files, output=str(tmp_path / name)))
    assert "LD panel: " in checked(dataset_card(panel))
