"""A prior and an objective of another package: listed, offered, trained."""

import json

LISTED = """
import json
from deepwas_app.core.objectives import OBJECTIVES
from deepwas_app.core.priors import PRIORS
from deepwas_app.workflow.settings import TrainSettings
offered = {name: TrainSettings.param[name].objects for name in ("prior", "objective")}
print(json.dumps([list(PRIORS), list(OBJECTIVES), offered]))
"""


def test_they_are_in_the_registries_and_the_choices_of_the_settings(run_python):
    priors, objectives, offered = json.loads(run_python("-c", LISTED))
    assert priors == ["constant", "linear", "enrichment", "mlp", "transformer", "quadratic"]
    assert objectives == ["likelihood", "ldsr", "tempered"]
    assert offered == {"prior": priors, "objective": objectives}


def test_the_command_line_offers_them(run_python):
    text = run_python("-m", "deepwas_app.cli", "train", "--help")
    assert "quadratic" in text
    assert "tempered" in text


def test_they_are_trained_and_opened_again(run_python, small_study, tmp_path):
    run = tmp_path / "toy.run"
    command = ["-m", "deepwas_app.cli"]
    knobs = ["--prior", "quadratic", "--objective", "tempered", "--epochs", "2", "--json"]
    study = small_study.attrs["path"]
    printed = run_python(*command, "train", study, *knobs, "-o", str(run))
    summary = json.loads(printed[printed.index("{") :])
    assert summary["prior"] == "quadratic"
    assert summary["objective"] == "tempered"
    assert summary["parameters"] == 1 + 9 + 1
    (row,) = json.loads(run_python(*command, "evaluate", str(run), "--json"))
    assert row["gain"] == summary["gain"]
