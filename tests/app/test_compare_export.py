"""The Compare and Export pages without a browser, and their files against the commands."""

import asyncio
import html
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import panel as pn
import panel_material_ui as pmui
import pytest
from bed_reader import to_bed

from deepwas_app.app import explore, store
from deepwas_app.app.jobs import JOBS, Status
from deepwas_app.app.pages.compare import ComparePage
from deepwas_app.app.pages.export import ExportPage, genotypes_of
from deepwas_app.app.places import Places
from deepwas_app.cli import main
from deepwas_app.errors import InputError, RunWarning
from deepwas_app.workflow.results import sparse

KINDS = [ComparePage, ExportPage]


def alerts(page) -> list[str]:
    return [
        html.unescape(alert.object) for alert in page._layout.select(pmui.Alert) if alert.visible
    ]


def words(page) -> str:
    return " ".join(str(item.object) for item in page._layout.select(pmui.Typography))


def button(page, name: str) -> pmui.FileDownload:
    (found,) = [
        item for item in page._layout.select(pmui.FileDownload) if item.filename.endswith(name)
    ]
    return found


def content(page, name: str) -> str:
    return asyncio.run(button(page, name).callback()).getvalue()


def of_command(arguments: list, capsys) -> str:
    capsys.readouterr()
    assert main([str(word) for word in arguments]) == 0
    return capsys.readouterr().out


@pytest.fixture
def compare_page(study_with_runs, settle) -> ComparePage:
    page = ComparePage(study_with_runs)
    page.first.value, page.second.value = "mlp", "linear"
    settle(page, lambda: page.results.select(pn.widgets.Tabulator))
    return page


@pytest.fixture
def people(study_with_runs, tmp_path) -> Path:
    """Genotypes of 40 people at the study's variants, one call in twenty missing."""
    rng = np.random.default_rng(0)
    p = study_with_runs["variant_allele_frequency"].values
    dosages = rng.binomial(2, p, (40, len(p))).astype(np.float32)
    dosages[rng.random(dosages.shape) < 0.05] = np.nan
    to_bed(
        tmp_path / "people.bed",
        dosages,
        properties={
            "sid": study_with_runs["variant_id"].values.astype(str),
            "chromosome": study_with_runs["variant_chromosome"].values.astype(str),
            "bp_position": study_with_runs["variant_position"].values,
            "allele_1": study_with_runs["variant_effect_allele"].values.astype(str),
            "allele_2": study_with_runs["variant_other_allele"].values.astype(str),
        },
    )
    return tmp_path / "people"


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_works_alone_and_says_what_to_do(kind, small_study):
    page = kind(small_study)
    assert page.__panel__().get_root() is not None
    assert any("no finished run yet" in text and "Train" in text for text in alerts(page))
    assert any("tudy" in text for text in alerts(kind()))
    assert any("nowhere.study.zarr" in text for text in alerts(kind("nowhere.study.zarr")))


def test_with_one_run_the_table_and_what_to_do(study_with_runs):
    for name in ("linear", "mlp"):
        shutil.rmtree(store.runs_folder(study_with_runs) / f"{name}.run")
    page = ComparePage(study_with_runs)
    assert any("Only constant is finished" in text for text in alerts(page))
    assert page._layout.select(pn.widgets.Tabulator)[0].value["run"].tolist() == ["constant"]


def test_a_comparison_is_one_sentence_two_figures_and_a_table(compare_page):
    assert len(compare_page.results.select(pn.pane.HoloViews)) == 2
    text = words(compare_page)
    assert "nats on 5 held-out LD blocks" in text
    assert "5 LD blocks: errors are rough" in text
    table = compare_page.results.select(pn.widgets.Tabulator)[0].value
    assert len(table) == 5
    assert (np.diff(np.abs(table["DIFFERENCE_NATS"])) <= 0).all()


def test_swapping_turns_the_sign(compare_page, settle):
    before = compare_page.results.select(pn.widgets.Tabulator)[0].value["DIFFERENCE_NATS"]
    compare_page.swap()
    assert compare_page.first.value == "linear"
    settle(compare_page, lambda: compare_page.results.select(pn.widgets.Tabulator))
    after = compare_page.results.select(pn.widgets.Tabulator)[0].value["DIFFERENCE_NATS"]
    np.testing.assert_allclose(before, -after)


def test_calibration_of_the_first_run_is_that_of_the_command(compare_page, settle, capsys):
    settle(compare_page, lambda: compare_page.calibrated.select(pn.widgets.Tabulator))
    assert "Is the prior of mlp calibrated?" in words(compare_page)
    path = compare_page.finished["mlp"].path
    downloaded = content(compare_page, "mlp_calibration.tsv")
    assert downloaded == of_command(["calibration", path], capsys)


def test_a_run_against_itself_says_what_to_do(compare_page):
    compare_page.second.value = "mlp"
    assert any("two different runs" in text for text in alerts(compare_page))


def test_runs_without_a_common_held_out_block_are_one_line(study_with_runs, settle, monkeypatch):
    page = ComparePage(study_with_runs)
    page.finished["linear"].train_blocks[:] = range(20)
    page.first.value, page.second.value = "mlp", "linear"
    settle(page, lambda: any("no held-out LD block" in text for text in alerts(page)))


def test_files_of_the_compare_page_are_those_of_the_commands(compare_page, capsys):
    paths = [run.path for run in compare_page.finished.values()]
    first, second = (compare_page.finished[name].path for name in ("mlp", "linear"))
    downloaded = content(compare_page, "mlp_over_linear.tsv")
    assert downloaded == of_command(["compare", first, second], capsys)
    downloaded = content(compare_page, "runs.tsv")
    assert downloaded == of_command(["evaluate", *paths], capsys)
    assert downloaded.startswith("run\tprior\tobjective\tparameters\tvariants\tgain\tgain_se\th2")


def test_a_run_that_is_finished_meanwhile_is_offered(study_with_runs, settle):
    run = store.runs_folder(study_with_runs) / "mlp.run"
    aside = run.with_name("aside")
    run.rename(aside)
    pages = [ComparePage(study_with_runs), ExportPage(study_with_runs)]
    aside.rename(run)
    for page in pages:
        page.state.refresh_runs()
        page.poller.poll()
        assert "mlp" in page.finished
    compare, export = pages
    assert {compare.first.value, compare.second.value} == {"constant", "linear"}
    assert export.run.options == list(export.finished)


def test_a_row_opens_its_locus(study_with_runs, settle):
    dashboard = explore(study_with_runs)
    dashboard.state.page = "compare"
    dashboard.poller.poll()
    page = dashboard.pages["compare"]
    settle(page, lambda: page.results.select(pn.widgets.Tabulator))
    (table,) = page.results.select(pn.widgets.Tabulator)
    (clicked,) = table._on_click_callbacks[None]
    clicked(type("Click", (), {"row": 1}))
    assert dashboard.state.page == "locus"
    dashboard.poller.poll()
    region = dashboard.pages["locus"].region
    row = store.comparison(study_with_runs, *page._chosen()).query("SCOPE == 'block'").iloc[1]
    assert (region.chromosome, region.start, region.stop) == (
        row["CHR"],
        row["START"] + 1,
        row["STOP"],
    )
    assert dashboard.state.region == f"{region.chromosome}:{region.start}-{region.stop}"
    # Once more, now that the Locus page is there.
    dashboard.state.page = "compare"
    clicked(type("Click", (), {"row": 2}))
    dashboard.poller.poll()
    assert dashboard.pages["locus"].region != region


def test_a_card_says_what_is_to_be_doubted_of_its_table(study_with_runs, monkeypatch):
    monkeypatch.setattr(sparse, "PRECISE", 1e-9)
    monkeypatch.setattr(sparse, "MOST_ROUNDS", 1)
    page = ExportPage(study_with_runs)
    page.options["posterior-effects"].posterior = "sparse"
    before = alerts(page)
    with pytest.warns(RunWarning, match="Monte-Carlo"):
        content(page, "posterior.tsv")
    (said,) = [alert for alert in alerts(page) if alert not in before]
    assert "Monte-Carlo error, more than the" in said


def test_files_of_the_export_page_are_those_of_the_commands(study_with_runs, capsys):
    page = ExportPage(study_with_runs)
    page.run.value = "mlp"
    run = page.finished["mlp"].path
    for ending, arguments in {
        "snpvar.tsv": ["export", run, "--snpvar", "-"],
        "prior_weights.tsv": ["export", run, "--susie", "-", "--region", page.region.value],
        "weights.tsv": ["export", run, "--weights", "-"],
        "pgs_catalog.txt": ["export", run, "--pgs-catalog", "-"],
        "ssf.tsv": ["export", run, "--ssf", "-"],
        "effects.tsv": ["effects", run],
    }.items():
        assert content(page, f"mlp.{ending}") == of_command(arguments, capsys), ending
    page.options["snpvar"].floor = True
    floored = content(page, "mlp.snpvar.tsv")
    assert floored == of_command(["export", run, "--snpvar", "-", "--floor"], capsys)


def test_sizes_are_about_right(study_with_runs):
    page = ExportPage(study_with_runs)
    for ending in ("snpvar.tsv", "weights.tsv", "pgs_catalog.txt", "ssf.tsv"):
        found = button(page, f".{ending}")
        said = float(found.label.split("about ")[1].split()[0])
        assert said == pytest.approx(len(content(page, f".{ending}")) / 1e6, rel=0.15, abs=0.05)


def test_a_region_that_is_none_is_one_line(study_with_runs):
    page = ExportPage(study_with_runs)
    page.region.value = "here"
    with pytest.raises(InputError, match="not a region"):
        content(page, "prior_weights.tsv")


def test_scores_of_the_page_are_those_of_the_command(
    study_with_runs, people, tmp_path, settle, capsys
):
    rng = np.random.default_rng(1)
    fam = pd.read_csv(f"{people}.fam", sep=r"\s+", header=None)
    pheno = tmp_path / "pheno.tsv"
    table = pd.DataFrame({"FID": fam[0], "IID": fam[1], "Y": rng.standard_normal(40)})
    table.to_csv(pheno, sep="\t", index=False)
    page = ExportPage(study_with_runs)
    page.run.value = "linear"
    form = page.scoring
    form.genotypes.value, form.phenotype.value = str(people), str(pheno)
    form.start()
    settle(page, lambda: form.results.objects)
    text = words(page)
    assert "R² 0." in text
    assert "odds" not in text
    # The deciles, and what the command writes of them.
    assert len(form.results.select(pn.pane.HoloViews)) == 1
    assert "6,000 scored" in text
    weights = tmp_path / "w.tsv"
    assert main(["export", str(page.finished["linear"].path), "--weights", str(weights)]) == 0
    files = ["--weights", weights, "--bfile", people, "--pheno", pheno]
    downloaded = content(page, "scores.tsv")
    assert downloaded == of_command(["score", *files], capsys)
    for name in ("accuracy", "deciles"):
        asked = ["-o", os.devnull, f"--{name}", "-"]
        downloaded = content(page, f"{name}.tsv").replace("weights of linear", "w.tsv")
        assert downloaded == of_command(["score", *files, *asked], capsys), name
    # Another session sees them as well.
    again = ExportPage(study_with_runs)
    assert again.scoring.results.select(pn.widgets.Tabulator)


def test_cases_are_drawn_beside_controls_and_other_weights_beside_the_run(
    study_with_runs, people, tmp_path, settle
):
    rng = np.random.default_rng(2)
    fam = pd.read_csv(f"{people}.fam", sep=r"\s+", header=None)
    pheno = tmp_path / "pheno.tsv"
    table = pd.DataFrame({"FID": fam[0], "IID": fam[1], "D": 1 + (rng.random(40) < 0.5)})
    table.to_csv(pheno, sep="\t", index=False)
    other = pd.DataFrame(
        {
            "SNP": study_with_runs["variant_id"].values[:50].astype(str),
            "A1": study_with_runs["variant_effect_allele"].values[:50].astype(str),
            "BETA": rng.standard_normal(50),
        }
    )
    other.to_csv(tmp_path / "<b>.tsv", sep="\t", index=False)
    page = ExportPage(study_with_runs)
    form = page.scoring
    form.genotypes.value, form.phenotype.value = str(people), str(pheno)
    form.others.value, form.prevalence.value = str(tmp_path / "<b>.tsv"), "many"
    form.start()
    said = "Prevalence many: give a number, above 0 and below 1."
    assert page.state.notice == ("error", said)
    form.prevalence.value = "0.01"
    form.start()
    settle(page, lambda: form.results.objects)
    text = words(page)
    assert "R² of the liability" in text
    assert "odds ratio per s.d." in html.unescape(text)
    # Names of files are shown as they are, not rendered.
    assert "<b>" not in text
    assert len(form.results.select(pn.pane.HoloViews)) == 2
    measures, differences, scores = form.results.select(pn.widgets.Tabulator)
    assert measures.value["MEASURE"].tolist() == 2 * ["R2", "AUC", "R2_liability", "OR_per_SD"]
    assert len(differences.value) == 3
    assert len(scores.value) == 80


def test_scoring_what_does_not_fit_is_one_line(study_with_runs, people, settle):
    page = ExportPage(study_with_runs)
    form = page.scoring
    form.start()
    assert page.state.notice == ("error", "Genotypes: no path. Give the prefix of PLINK files.")
    bim = Path(f"{people}.bim")
    bim.write_text(bim.read_text().replace("\tA\t", "\tTTT\t").replace("\tG\t", "\tTTT\t"))
    form.genotypes.value = str(people)
    form.start()
    job = form.progress.job
    settle(page, lambda: job.status.over and page.state.notice[1] == job.error)
    assert job.status is Status.FAILED
    assert "are not those of the genotypes" in job.error
    assert "\n" not in job.error


def test_the_built_in_genotypes_are_offered(height):
    prefix = genotypes_of(height, Places())
    assert Path(prefix).name == "genotypes"
    assert Path(f"{prefix}.bed").exists()


def test_no_genotypes_are_offered_where_there_are_none(small_study):
    assert genotypes_of(small_study, Places()) == ""
    assert JOBS.latest("score", store.study_hash(small_study)) is None
