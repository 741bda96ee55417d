"""Every command has a Python name; scripts of a few lines do what the commands do."""

import ast
import inspect
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import deepwas_app as dw
from deepwas_app.cli import COMMANDS, command_module
from deepwas_app.errors import InputError
from deepwas_app.genetics.content import content_hash
from deepwas_app.workflow.settings.base import fields

HERE = Path(__file__).parent
SCRIPTS = HERE / "scripts"
NAMES = {"ld": "build_ld", "study": "build_study", "finemap": "fine_map", "score": "score_people"}
# What Python says in another way: files of a result that is given back, JAX's own settings, and
# paths of runs.
OF_A_COMMAND = {
    "effects": {"quantiles"},
    # The last two are those of dw.ldsc.
    "check": {"all", "prevalence", "case_fraction"},
    # The whole study is the region None.
    "finemap": {"sets", "fits", "susie", "study_locus", "all"},
    "score": {"accuracy", "differences", "deciles"},
    # That is dw.understand.
    "study": {"dry_run"},
    "munge": {"dry_run"},
    "train": {"device"},
}
VERSION_0_1_0 = (
    "AnnotationsPage ComparePage ExportPage InputError LocusPage ScalingPage StudyPage TrainPage "
    "alignment annotation_effects builtin_studies compare effects_table evaluate explore fine_map "
    "fit interaction_surface open_panel open_run open_study pgs_weights posterior read_sumstats "
    "response_curve run_heritability score_people snpvar_table train variant_drivers"
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_a_python_name_with_its_knobs(command: str):
    function = getattr(dw, NAMES.get(command, command))
    assert function.__doc__
    taken = set(inspect.signature(function).parameters) | {"json"}
    taken |= {"run_path"} if {"run", "runs"} & taken else set()
    knobs = set(fields(command_module(command).Settings))
    if command in ("evaluate", "compare", "response"):
        knobs.discard("study")
    if "path" in taken or command not in ("ld", "study", "simulate"):
        knobs.discard("output")
    assert knobs - OF_A_COMMAND.get(command, set()) <= taken


def test_names_of_version_0_1_0_are_there():
    assert set(VERSION_0_1_0.split()) <= set(dw.__all__)
    assert all(getattr(dw, name) for name in VERSION_0_1_0.split())


def test_the_stub_says_what_is_there():
    stub = ast.parse((Path(dw.__file__).with_suffix(".pyi")).read_text())
    named = [
        (node.module, name.name)
        for node in ast.walk(stub)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    ]
    assert sorted(name for _, name in named) == dw.__all__
    for module, name in named:
        found = getattr(dw, name)
        if inspect.isroutine(found):
            assert found.__module__.startswith("deepwas_app")
            assert module is None or sys.modules[f"deepwas_app.{module}"]
    assert dw.__version__


def test_every_picture_is_listed_and_documented():
    assert dir(dw.plot) == sorted(dw.plot.__all__)
    assert all(getattr(dw.plot, name).__doc__ for name in dw.plot.__all__)


def test_a_fit_that_was_not_run_is_told_from_a_result(small_study):
    with pytest.raises(TypeError, match=r"take its last, \*_, run = fit"):
        dw.effects(small_study, dw.fit(small_study, "linear"))


def test_a_misspelt_knob_names_the_near_one():
    near = r"build_study\(\) has no knob 'sumstat': did you mean 'sumstats'"
    with pytest.raises(TypeError, match=near):
        dw.build_study(sumstat="gwas.gz", output="s")
    with pytest.raises(TypeError, match="did you mean 'epochs'"):
        dw.fit("small.study.zarr", "linear", epohcs=3)


@pytest.fixture
def folder(small_study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a script runs: the small study, and the data of the checkout."""
    shutil.copytree(small_study.attrs["path"], tmp_path / "small.study.zarr")
    (tmp_path / "data").symlink_to(HERE.parent / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_script(name: str) -> dict:
    return runpy.run_path(str(SCRIPTS / name))


def test_own_gwas(folder: Path):
    lines = (folder / "data/height_chr22/blocks.bed").read_text().splitlines(keepends=True)
    (folder / "blocks.bed").write_text("".join(lines[:7]))
    study = run_script("own_gwas.py")["study"]
    data = "data/height_chr22"
    files = {"sumstats": f"{data}/height.fastGWA.gz", "ld": "eur.ld.zarr"}
    tables = [f"{data}/annotations.tsv.gz", "genes"]
    from_files = dw.open_study(dw.build_study(**files, annotations=tables, output="files"))
    # The LD score and the frequency, which every study has, are of the names in the table.
    assert content_hash(study) == content_hash(from_files)
    assert study.attrs["provenance"] == from_files.attrs["provenance"]
    # Annotations made by hand, in whatever order, by the names of variants.
    known = from_files["variant_annotation"].values[:, :2]
    names = from_files["annotation"].values[:2]
    frame = pd.DataFrame(known, from_files["variant_id"].values, names).sample(frac=1)
    by_hand = dw.open_study(dw.build_study(**files, annotations=frame, output="hand"))
    np.testing.assert_array_equal(by_hand["variant_annotation"].values[:, :2], known)
    assert "given in memory" in [one["path"] for one in by_hand.attrs["provenance"]]


def test_own_prior(folder: Path):
    gains = run_script("own_prior.py")["gains"]
    assert gains["prior"].tolist() == ["Saturating", "linear"]
    assert gains["parameters"][0] == 1 + 9
    assert np.isfinite(gains["gain"]).all()


def test_own_annotation(folder: Path):
    found = run_script("own_annotation.py")
    assert np.isfinite(found["effects"].loc["LD above the median", "Enrichment"])
    # The run is of the study with the annotation.
    with pytest.raises(InputError, match="another study"):
        dw.effects(None, "mine.run")


def test_seeds(folder: Path):
    found = run_script("seeds.py")
    assert found["gains"]["gain"].nunique() == 3
    assert (found["curve"]["BAND"] == "range over seeds").all()
    assert (found["curve"]["LOW"] <= found["curve"]["HIGH"]).all()


def test_posterior(folder: Path):
    found = run_script("posterior.py")
    assert (found["found"].sets["COVERAGE"] >= 0.9).all()
    assert (folder / "snpvar.tsv").read_text().count("\n") == 6001
    # A DataFrame of weights serves as the file does.
    read = pd.read_csv("weights.tsv", sep="\t")
    np.testing.assert_allclose(found["written"]["weights.tsv"]["BETA"], read["BETA"], rtol=1e-6)


def test_locus_plot(folder: Path):
    # Bokeh's own page would link what Panel's classes ask for, where these have been imported.
    import panel_material_ui  # noqa: F401

    run_script("locus_plot.py")
    for name, drawn in (("locus.html", "Prior h"), ("manhattan.html", "minus_log10_p")):
        page = (folder / name).read_text()
        assert drawn in page
        assert not re.search(r"<(script|link) [^>]*(src|href)=", page)


def mypy(scripts: Path) -> str:
    """What mypy says of scripts; empty for nothing."""
    # With the options of `make check`, so that what it found of the package is not found again.
    config = HERE.parent / "pyproject.toml"
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", config, "--no-error-summary", scripts],
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    # What people write for themselves need not be annotated; calls of ours must fit.
    lines = done.stdout.splitlines(keepends=True)
    return "".join(line for line in lines if "[no-untyped-def]" not in line)


def test_a_typed_script_is_checked():
    assert mypy(SCRIPTS) == ""


def test_mypy_finds_a_misspelt_knob_and_a_wrong_value(tmp_path: Path):
    script = tmp_path / "wrong.py"
    script.write_text(
        "import deepwas_app as dw\n"
        "*_, step = dw.fit('height_chr22', prior='linear', epochz=3)\n"
        "run = dw.train('height_chr22', path='mine.run', epochs='three', progress=print)\n"
        "print(run.path.name, dw.export(None, run, snpvar='mine.tsv')['mine.tsv'].columns)\n"
        "for step in dw.train.steps('height_chr22', path='mine.run'):\n"
        "    print(step.epoch)\n"
    )
    said = [line.partition("wrong.py:")[2] for line in mypy(script).splitlines()]
    assert [line for line in said if ": note:" not in line] == [
        '2: error: Unexpected keyword argument "epochz" for "fit"; did you mean "epochs"?  '
        "[call-arg]",
        '3: error: Argument "epochs" to "__call__" of "_Train" has incompatible type "str"; '
        'expected "int"  [arg-type]',
    ]
