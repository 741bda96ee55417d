"""Fine-mapping a whole study: block by block, in parallel, and on from where it was killed."""

import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from deepwas_app.cli import main
from deepwas_app.errors import InputError
from deepwas_app.genetics.regions import Region
from deepwas_app.workflow.results import block_fits
from deepwas_app.workflow.results.credible_sets import CREDIBLE_SETS, LOCI
from deepwas_app.workflow.results.finemap import FINE_MAPPING, FITS, fine_map

TABLES = (FINE_MAPPING, CREDIBLE_SETS, FITS, LOCI)


def texts(found) -> list[str]:
    return [table.text(frame) for table, frame in zip(TABLES, found[: len(TABLES)], strict=True)]


@pytest.fixture(scope="module")
def whole(small_study, small_runs):
    return fine_map(small_study, small_runs.linear, None)


def test_a_whole_study_is_its_regions(small_study, small_runs, whole):
    assert len(whole.table) == 6_000
    assert whole.table["PIP"].notna().all()
    assert whole.fits["BLOCK"].tolist() == 2 * list(range(20))
    part = fine_map(small_study, small_runs.linear, Region("4", 0, 10**9))
    columns = ["SNP", "SNPVAR", "PIP", "BETA_MEAN", "PIP_UNIFORM"]
    pd.testing.assert_frame_equal(
        whole.table.loc[whole.table["CHR"] == "4", columns].reset_index(drop=True),
        part.table[columns],
    )
    for prior, column in (("model", "CREDIBLE_SET"), ("uniform", "CREDIBLE_SET_UNIFORM")):
        sets = whole.sets[whole.sets["PRIOR"] == prior]
        assert sets["CREDIBLE_SET"].tolist() == list(range(1, len(sets) + 1))
        assert set(whole.table[column]) == {0, *sets["CREDIBLE_SET"]}
        assert len(sets) > 5


def test_bytes_do_not_depend_on_the_number_of_workers(small_study, small_runs, whole):
    several = fine_map(small_study, small_runs.linear, None, workers=2)
    assert texts(several) == texts(whole)


@pytest.fixture
def counted(monkeypatch):
    done = []

    def fit(task, of_module=block_fits.fit_block):
        done.append(len(task.x))
        return of_module(task)

    monkeypatch.setattr(block_fits, "fit_block", fit)
    return done


def test_it_goes_on_from_what_is_kept(small_study, small_runs, whole, tmp_path, counted):
    kept = tmp_path / "f.tsv.parts"
    steps = fine_map.steps(small_study, small_runs.linear, None, kept=kept)
    fractions = [next(steps).fraction for _ in range(7)]
    steps.close()
    np.testing.assert_allclose(fractions, np.arange(1, 8) / 20)
    # As a power cut leaves them: one file cut off, one that was being written.
    (kept / "3.npz").write_bytes((kept / "3.npz").read_bytes()[:200])
    (kept / ".partial-1-9.npz").write_bytes(b"PK")
    counted.clear()
    again = fine_map(small_study, small_runs.linear, None, kept=kept)
    assert len(counted) == 14
    assert texts(again) == texts(whole)
    # Another question does not take these answers.
    counted.clear()
    fine_map(small_study, small_runs.linear, None, kept=kept, effects=1)
    assert len(counted) == 20


def test_nothing_of_others_is_removed(small_study, small_runs, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="is in the way"):
        fine_map(small_study, small_runs.linear, None, kept=tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_killed_and_run_again_gives_the_same_bytes(small_runs, whole, tmp_path, counted):
    out = tmp_path / "f.tsv"
    words = ["finemap", str(small_runs.linear.path), "--all", "-o", str(out)]
    words += ["--sets", str(tmp_path / "sets.tsv"), "--fits", str(tmp_path / "fits.tsv")]
    kept = tmp_path / "f.tsv.parts"
    killed = subprocess.Popen(
        [sys.executable, "-m", "deepwas_app.cli", *words], stderr=subprocess.DEVNULL
    )
    least = int(np.random.default_rng().integers(1, 15))
    while killed.poll() is None and len([*kept.glob("[0-9]*.npz")]) < least:
        time.sleep(0.001)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not out.exists()
    done = len([*kept.glob("[0-9]*.npz")])
    assert main(words) == 0
    assert len(counted) == 20 - done < 20
    written = [(tmp_path / name).read_text() for name in ("f.tsv", "sets.tsv", "fits.tsv")]
    assert written == texts(whole)[:3]
    assert not kept.exists()


def test_the_command_wants_a_region_or_all(small_runs, capsys):
    for words in ([], ["--region", "4:1-900000000", "--all"]):
        assert main(["finemap", str(small_runs.linear.path), *words]) == 1
        assert "give --region, or --all" in capsys.readouterr().err
