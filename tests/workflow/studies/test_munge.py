"""Any GWAS in, GWAS-SSF out: what the GWAS Catalog's validator says, and what comes back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bed_reader import to_bed
from scipy.special import ndtr, ndtri_exp

import deepwas_app as dw
from deepwas_app.cli import main
from deepwas_app.errors import InputError
from deepwas_app.genetics.gwas.sumstats import read_sumstats
from deepwas_app.genetics.statistics import standardised
from tests.genetics.gwas import conftest as rows_of_truth
from tests.genetics.gwas.test_layouts import LAYOUTS

# `make test` makes it: the validator wants an older pandas than ours.
PYTHON = Path(sys.prefix) / "ssf" / "bin" / "python"
VALIDATE = """
import sys
from pathlib import Path
import yaml
from gwas_sumstats_tools.schema.metadata import SumStatsMetadata
from gwas_sumstats_tools.validate import Validator
for path in map(Path, sys.argv[1:]):
    print(*Validator(path, minimum_rows=100).validate())
    meta = SumStatsMetadata(**yaml.safe_load(path.with_name(path.name + "-meta.yaml").open()))
    print(meta.genome_assembly, meta.is_sorted, meta.data_file_md5sum)
"""
ROWS = 440
ALLELES = np.array([("A", "G"), ("C", "T"), ("G", "T"), ("T", "AC")])


@pytest.fixture
def rows() -> pd.DataFrame:
    """Rows of all chromosomes, not in order; one of P = 1e-400, one of P = 1."""
    rng = np.random.default_rng(4)
    pairs = ALLELES[np.arange(ROWS) % len(ALLELES)]
    p, z = rng.uniform(0.05, 0.95, ROWS).round(3), rng.normal(0, 1.3, ROWS).round(4)
    z[7], z[8] = ndtri_exp(-400 * np.log(10) - np.log(2)), 0.0
    se = 1 / np.sqrt(2 * p * (1 - p) * 20_000)
    return pd.DataFrame(
        {
            "SNP": [f"rs{i}" for i in range(1, ROWS + 1)],
            "CHR": np.arange(ROWS) % 22 + 1,
            "BP": rng.permutation(ROWS) * 1_000 + 10_000,
            "EA": pairs[:, 0],
            "NEA": pairs[:, 1],
            "FRQ": p,
            "Z": z,
            "BETA": z * se,
            "SE": se,
            "N": rng.integers(10_000, 20_000, ROWS),
        }
    )


def written(table: pd.DataFrame, path: Path) -> str:
    table.to_csv(path, sep="\t", index=False)
    return str(path)


def odds(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(OR=np.exp(rows["BETA"])).drop(columns=["BETA", "Z"])


def z_only(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns=["BETA", "SE"])


def tiny_p(rows: pd.DataFrame) -> pd.DataFrame:
    text = [f"{2 * ndtr(-abs(z)):.8e}" for z in rows["Z"]]
    text[7] = "1e-400"
    return rows.assign(P=text).drop(columns=["Z", "SE"])


KINDS = {"odds ratios": odds, "z and N": z_only, "P of 1e-400": tiny_p}


def keyed(sumstats) -> pd.DataFrame:
    names = ("chromosome", "position", "effect_allele", "other_allele", "z", "allele_frequency")
    frame = pd.DataFrame({name: np.asarray(sumstats[f"variant_{name}"]) for name in names})
    return frame.set_index(np.asarray(sumstats["variant_id"])).sort_index()


def test_the_validator_takes_what_comes_back_as_it_was(rows, tmp_path):
    made = {}
    for number, (kind, change) in enumerate(KINDS.items()):
        source, output = written(change(rows), tmp_path / f"in{number}"), tmp_path / f"out{number}"
        made[kind] = source, dw.munge(sumstats=source, build="hg38", output=str(output))
    paths = [one.path for _, one in made.values()]
    done = subprocess.run(
        [PYTHON, "-c", VALIDATE, *paths], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("True Data table is valid") == len(KINDS)
    assert done.stdout.count("GRCh38 True") == len(KINDS)
    for kind, (source, one) in made.items():
        check_kind(kind, rows, source, one)


def check_kind(kind: str, rows: pd.DataFrame, source: str, made) -> None:
    before, after = read_sumstats(source), read_sumstats(made.path)
    assert after.attrs["format"] == "GWAS-SSF"
    assert after.attrs["genome_build"] == "hg38"
    old, new = keyed(before), keyed(after)
    # Without a standard error nothing tells one of P = 1.
    lost = 1 if kind == "P of 1e-400" else 0
    assert len(old) - len(new) == lost
    old = old.loc[new.index]
    for name in ("chromosome", "position", "effect_allele", "other_allele"):
        assert (old[name] == new[name]).all()
    np.testing.assert_allclose(new["z"], old["z"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(new["allele_frequency"], old["allele_frequency"], rtol=1e-5)
    table = made.table.set_index("rsid")
    assert table["neg_log_10_p_value"]["rs8"] == pytest.approx(400, abs=0.01)
    effects = rows.set_index("SNP").loc[table.index]
    if kind != "z and N":
        np.testing.assert_allclose(table["beta"], effects["BETA"], rtol=1e-6)
        np.testing.assert_allclose(table["standard_error"], effects["SE"], rtol=1e-3)
    else:
        se = standardised(*(effects[k].to_numpy(float) for k in ("Z", "N", "FRQ")))
        np.testing.assert_allclose(table["standard_error"], se, rtol=1e-6)
        assert any("made of z, N and frequency" in said for said in made.warnings)


def test_rows_are_counted_out_by_reason(rows, tmp_path, capsys):
    bad = rows.drop(columns="Z").astype(object)
    bad.loc[0, "SE"] = 0.0
    bad.loc[1, "CHR"] = "GL000192.1"
    bad.loc[2, "EA"] = "<DEL>"
    bad.loc[3, "BP"] = 0
    # The same said twice, the second time of the other allele; and a contradiction.
    same = bad.loc[[10]].assign(
        EA=bad.loc[10, "NEA"], NEA=bad.loc[10, "EA"], BETA=-bad.loc[10, "BETA"]
    )
    other = bad.loc[[11]].assign(BETA=bad.loc[11, "BETA"] + 1)
    source = written(pd.concat([bad, same, other]), tmp_path / "in.txt")
    words = ["munge", "--sumstats", source, "-o", str(tmp_path / "out.txt.gz"), "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["path"].endswith("/out.tsv.gz")
    steps = {row["step"]: row["variants"] for row in told["alignment"]}
    assert steps == {
        "In the summary statistics": ROWS + 2,
        "Standard error not above 0": -1,
        "On no chromosome of 1 to 22, X, Y and MT": -1,
        "No position": -1,
        "Alleles that are no letters of DNA": -1,
        "Repeated rows": -1,
        "Rows that contradict each other": -2,
        "Written": ROWS - 5,
    }
    assert "genome build unknown" in " ".join(told["warnings"])


def test_a_dry_run_writes_nothing(rows, tmp_path, capsys):
    source = written(rows, tmp_path / "in.txt")
    assert main(["munge", "--sumstats", source, "--dry-run"]) == 0
    assert "effect_allele" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["in.txt"]


def test_files_per_chromosome_and_implausible_ones(rows, tmp_path):
    for chromosome, part in rows.groupby("CHR"):
        written(part, tmp_path / f"chr{chromosome}.txt")
    made = dw.munge(sumstats=str(tmp_path / "chr{CHR}.txt"), output=str(tmp_path / "a"))
    assert len(made.table) == ROWS
    wrong = written(rows.assign(P=rows["Z"].abs() * 9).drop(columns="Z"), tmp_path / "wrong.txt")
    settings = {"sumstats": wrong, "output": str(tmp_path / "b")}
    with pytest.raises(InputError, match="--accept p-range"):
        dw.munge(**settings)
    assert dw.munge(**settings, accept=["p-range", "p-and-se"]).warnings


def test_what_cannot_be_is_one_line(rows, tmp_path):
    plain = written(rows, tmp_path / "in.tsv")
    unplaced = written(rows[["SNP", "EA", "NEA", "Z", "N"]], tmp_path / "ldsc.txt")
    unfrequent = written(z_only(rows).drop(columns="FRQ"), tmp_path / "z.txt")
    in_doubt = written(
        rows.drop(columns=["Z", "FRQ"]).rename(columns={"EA": "A1", "NEA": "A2"}),
        tmp_path / "doubt.txt",
    )
    out = str(tmp_path / "out")
    for settings, words in (
        ({"sumstats": unplaced, "output": out}, r"no position: 440.*--ld"),
        ({"sumstats": unfrequent, "output": out}, r"effect and standard error, or frequency"),
        ({"sumstats": in_doubt, "output": out}, r"Or give an LD panel \(--ld\)"),
        ({"sumstats": plain, "output": plain}, "is the input"),
        ({"sumstats": plain, "output": out, "keep_extreme": True}, "goes with an LD panel"),
        ({"sumstats": plain, "output": out, "accept": ["all"]}, "no such check"),
        ({"sumstats": plain, "output": "-"}, "no output"),
        ({"sumstats": "none.txt", "output": str(tmp_path / "no" / "out")}, "no: no such folder"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            dw.munge(**settings)
        assert "\n" not in str(caught.value)
    assert len(list(tmp_path.iterdir())) == 4


@pytest.fixture
def panel(rows, tmp_path) -> str:
    """Of other people; every second variant counts the other allele, some have no row."""
    shown = rows.iloc[:-20].sort_values(["CHR", "BP"])
    turned = np.arange(len(shown)) % 2 == 0
    p = np.where(turned, 1 - shown["FRQ"], shown["FRQ"])
    to_bed(
        tmp_path / "people.bed",
        np.random.default_rng(3).binomial(2, p, (300, len(shown))).astype(np.float32),
        properties={
            "sid": shown["SNP"].to_numpy(),
            "chromosome": shown["CHR"].astype(str).to_numpy(),
            "bp_position": shown["BP"].to_numpy(),
            "allele_1": np.where(turned, shown["NEA"], shown["EA"]),
            "allele_2": np.where(turned, shown["EA"], shown["NEA"]),
        },
    )
    return str(dw.build_ld(bfile=str(tmp_path / "people"), output=str(tmp_path / "people")))


def test_with_a_panel_it_says_what_the_study_says(rows, panel, tmp_path):
    source = written(rows.drop(columns="Z"), tmp_path / "in.txt")
    knobs = {"sumstats": source, "ld": panel, "keep_extreme": True}
    made = dw.munge(**knobs, output=str(tmp_path / "out"))
    study = dw.open_study(dw.build_study(**knobs, output=str(tmp_path / "s")))
    assert made.report[:-7] == study.attrs["alignment"][: len(made.report) - 7]
    steps = {row["step"]: row["variants"] for row in made.report}
    assert steps["Written"] == int(study["variant_scored"].sum()) == len(made.table)
    assert steps["Matched, alleles swapped"] == 210
    back = keyed(dw.read_sumstats(made.path))
    ours = keyed(study).loc[back.index]
    np.testing.assert_allclose(back["z"], ours["z"], rtol=1e-4, atol=1e-5)
    for name in ("effect_allele", "other_allele", "position"):
        assert (back[name] == ours[name]).all()
    # Effects and frequencies stay those of the file.
    file = rows.set_index("SNP").loc[back.index]
    same = (back["effect_allele"] == file["EA"]).to_numpy()
    assert 0.4 < same.mean() < 0.6
    table = made.table.set_index("rsid").loc[back.index]
    np.testing.assert_allclose(table["beta"], np.where(same, 1, -1) * file["BETA"])
    np.testing.assert_allclose(table["standard_error"], file["SE"])
    expected = np.where(same, file["FRQ"], 1 - file["FRQ"])
    np.testing.assert_allclose(table["effect_allele_frequency"], expected, rtol=1e-6)
    assert 'genome_assembly: "GRCh37"' in Path(f"{made.path}-meta.yaml").read_text()


def test_a_panel_gives_places_and_frequencies(rows, panel, tmp_path):
    source = written(rows[["SNP", "EA", "NEA", "Z", "N"]], tmp_path / "ldsc.txt")
    made = dw.munge(sumstats=source, ld=panel, output=str(tmp_path / "out"), keep_extreme=True)
    file = rows.set_index("SNP").loc[made.table["rsid"]]
    assert (made.table["base_pair_location"].to_numpy() == file["BP"].to_numpy()).all()
    same = made.table["effect_allele"].to_numpy() == file["EA"].to_numpy()
    z = made.table["beta"] / made.table["standard_error"]
    np.testing.assert_allclose(z, np.where(same, 1, -1) * file["Z"], rtol=1e-5)
    p = made.table["effect_allele_frequency"]
    assert np.abs(p - np.where(same, file["FRQ"], 1 - file["FRQ"])).max() < 0.15


# Without places or with one allele only, GWAS-SSF cannot be without a panel.
OF_PANELS = {
    "METAL by sample size": "no position",
    "GIANT 2015": "no position",
    "PLINK 1": "names one allele",
}


def test_every_layout_leaves_with_the_right_alleles(tmp_path):
    for number, (name, (layout, special)) in enumerate(LAYOUTS.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        source = rows_of_truth.writer(folder)(layout, **special)
        given: dict[str, object] = {"sumstats": str(source), "output": str(folder / "out")}
        given |= {"n": 500} if special.get("n", 1) is None else {}
        given |= {
            "population": special.get("population", ""),
            "build": special.get("preferred", ""),
        }
        if name in OF_PANELS:
            with pytest.raises(InputError, match=OF_PANELS[name]):
                dw.munge(**given)
            continue
        back = read_sumstats(dw.munge(**given).path)
        np.testing.assert_allclose(back["variant_z"], rows_of_truth.Z, rtol=2e-3, err_msg=name)
        assert (back["variant_effect_allele"].values == rows_of_truth.EFFECT).all(), name
        assert (back["variant_position"].values == rows_of_truth.POSITION).all(), name
