"""Every picture has an example, on the built-in study, that runs."""

import doctest
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import deepwas_app as dw
from deepwas_app.errors import RunWarning
from deepwas_app.genetics.builtin import data_dir


@pytest.fixture(scope="module")
def known(height, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What examples of pictures are about."""
    folder = tmp_path_factory.mktemp("pictures")
    *_, run = dw.fit(height, "linear")
    genotypes = data_dir() / "height_chr22" / "genotypes"
    names = pd.read_csv(f"{genotypes}.fam", sep=r"\s+", header=None).iloc[:, :2].to_numpy().T
    drawn = np.random.default_rng(0).normal(size=len(names[0]))
    files = {"phenotype": drawn, "disease": 1 + (drawn > 0)}
    for name, values in files.items():
        table = pd.DataFrame({"FID": names[0], "IID": names[1], name: values})
        table.to_csv(folder / f"{name}.tsv", sep="\t", index=False)
    told = {name: str(folder / f"{name}.tsv") for name in files}
    weights = dw.pgs_weights(height, run, posterior="normal")
    return (
        {"dw": dw, "study": height, "run": run, "weights": weights}
        | told
        | {"genotypes": str(genotypes)}
    )


@pytest.mark.parametrize("name", dw.plot.__all__)
def test_a_picture_has_an_example_that_runs(name: str, known, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture = getattr(dw.plot, name)
    (example,) = doctest.DocTestFinder(recurse=False).find(picture, name, globs=dict(known))
    assert example.examples
    said: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunWarning)
        failed, _ = doctest.DocTestRunner().run(example, out=said.append)
    assert not failed, "".join(said)
