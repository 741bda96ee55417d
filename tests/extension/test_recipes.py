"""The recipes of CONTRIBUTING.md are the toys that the tests beside this one add and find."""

import re
import shutil
from pathlib import Path

import pandas as pd

from .conftest import TOYS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()


def test_the_code_on_the_page_is_that_of_the_toys():
    shown = dict(
        re.findall(r"`tests/extension/toys/(\w+\.py)`:\n\n```python\n(.*?)```", PAGE, re.S)
    )
    assert shown == {path.name: path.read_text() for path in TOYS.glob("*.py")}


def test_every_group_has_a_toy_of_one_file():
    listed = (TOYS / "toys-1.0.dist-info" / "entry_points.txt").read_text()
    groups = dict(re.findall(r"\[(.+)\]\n\w+ = (\w+)", listed))
    rows = re.findall(r"^\| .+ \| (1.*) \| `(.+)` \| `(deepwas_app\.\w+)` \|$", PAGE, re.M)
    assert {group for _, _, group in rows} == set(groups)
    assert len(set(groups.values())) == len(groups)
    for _, folder, _ in rows:
        assert (ROOT / "deepwas_app" / folder / "__init__.py").exists()


def changed(text: str, hunk: str) -> str:
    """The text with the lines that a hunk takes away replaced by those that it adds."""
    lines = hunk.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(old) == 1, f"CONTRIBUTING.md changes what is no longer there: {old}"
    return text.replace(old, new)


def test_a_setting_is_two_files(run_python, small_study, small_runs, tmp_path: Path, monkeypatch):
    (recipe,) = re.findall(r"```diff\n(.*?)```", PAGE, re.S)
    hunks = re.findall(r"^--- (\S+)\n((?:[ +-](?!-- ).*\n)+)", recipe, re.M)
    assert len(hunks) == 2
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "deepwas_app", tmp_path / "deepwas_app", ignore=ignored)
    (tmp_path / "data").symlink_to(ROOT / "data")
    for name, hunk in hunks:
        path = tmp_path / name
        path.write_text(changed(path.read_text(), hunk))
    # Where `python -m` looks first.
    monkeypatch.chdir(tmp_path)
    command = ("-m", "deepwas_app.cli", "explain")
    told = " ".join(run_python(*command, "--help").split())
    assert "--top" in told
    assert "Write only so many annotations; 0 for all. At least 0 annotations. Default 0." in told
    run, variant = small_runs.linear.path, small_study["variant_id"].values[0]
    out = tmp_path / "drivers.tsv"
    study = ("--study", small_study.attrs["path"])
    run_python(*command, run, *study, "--variant", variant, "--top", 2, "-o", out)
    assert len(pd.read_csv(out, sep="\t")) == 2
