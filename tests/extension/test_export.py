"""An exported table of another package is found by the command and by the Export page."""

import json
import shutil

import pandas as pd

PAGE = """
import json, sys
from deepwas_app.app.pages.export import ExportPage
page = ExportPage(sys.argv[1])
button, ending = page.buttons["Top of the prior"]
print(json.dumps([list(page.buttons), button.filename, list(page.options)]))
"""


def test_an_exported_table_is_one_file(run_python, small_study, small_runs, tmp_path):
    study, run = tmp_path / "small.study.zarr", tmp_path / "linear.run"
    shutil.copytree(small_study.attrs["path"], study)
    shutil.copytree(small_runs.linear.path, run)
    command = ["-m", "deepwas_app.cli", "export"]
    text = " ".join(run_python(*command, "--help").split())
    assert "--toy-top F The variants with the largest prior." in text
    assert "How many variants to list. At least 1. Default 5." in text
    out = tmp_path / "top.tsv"
    run_python(*command, run, "--study", study, "--toy-top", out, "--top-count", 3)
    table = pd.read_csv(out, sep="\t")
    assert table.columns.tolist() == ["SNP", "PRIOR"]
    assert len(table) == 3
    cards, file_name, options = json.loads(run_python("-c", PAGE, study).splitlines()[-1])
    assert cards[-2:] == ["Top of the prior", "Annotation effects"]
    assert file_name == "linear.top.tsv"
    assert options == [
        "snpvar",
        "susie",
        "weights",
        "posterior-effects",
        "pgs-catalog",
        "ssf",
        "toy-top",
    ]
