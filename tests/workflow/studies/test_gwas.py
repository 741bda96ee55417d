"""One GWAS in many formats, and what the command says of it."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bed_reader import to_bed

from deepwas_app.cli import main
from deepwas_app.errors import InputError
from deepwas_app.genetics.store import open_study_store
from deepwas_app.workflow.info import info
from deepwas_app.workflow.settings import PanelSettings, StudySettings
from deepwas_app.workflow.studies.build import build_ld, build_study
from deepwas_app.workflow.studies.understood import understood_table

PEOPLE, VARIANTS = 80, 40


@pytest.fixture(scope="module")
def gwas() -> pd.DataFrame:
    """Numbers as text, so that every format holds the very same ones."""
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "id": [f"rs{i}" for i in range(VARIANTS)],
            "chromosome": ["6"] * 15 + ["22"] * (VARIANTS - 15),
            "position": np.r_[31_000_000 + 10 * np.arange(15), 100 + 10 * np.arange(VARIANTS - 15)],
            "effect": np.resize(["A", "C", "G", "T", "ACT"], VARIANTS),
            "other": np.resize(["G", "T", "T", "A", "A"], VARIANTS),
            "frequency": [f"{p:.3f}" for p in rng.uniform(0.1, 0.35, VARIANTS)],
            "beta": [f"{b:.5f}" for b in rng.normal(0, 0.02, VARIANTS)],
            "se": [f"{s:.5f}" for s in rng.uniform(0.005, 0.01, VARIANTS)],
            "n": 1000 + np.arange(VARIANTS),
        }
    )


@pytest.fixture(scope="module")
def panel(gwas: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("panel")
    rng = np.random.default_rng(3)
    dosages = rng.binomial(2, gwas["frequency"].astype(float), (PEOPLE, VARIANTS))
    to_bed(
        folder / "tiny.bed",
        dosages.astype(np.float32),
        properties={
            "sid": gwas["id"].to_numpy(),
            "chromosome": gwas["chromosome"].to_numpy(),
            "bp_position": gwas["position"].to_numpy(),
            "allele_1": gwas["effect"].to_numpy(),
            "allele_2": gwas["other"].to_numpy(),
        },
    )
    settings = PanelSettings(bfile=str(folder / "tiny"), output=str(folder / "tiny"), maf=0.01)
    return build_ld(settings)


def renamed(names: str, **more: object) -> Callable[[pd.DataFrame], str]:
    """A writer of a tab-separated table whose columns are role:name."""

    def write(gwas: pd.DataFrame) -> str:
        pairs = [word.split(":") for word in names.split()]
        table = pd.DataFrame({name: gwas[role] for role, name in pairs}).assign(**more)
        return table.to_csv(sep="\t", index=False)

    return write


def ldsc(gwas: pd.DataFrame) -> str:
    z = gwas["beta"].astype(float) / gwas["se"].astype(float)
    return renamed("id:SNP effect:A1 other:A2 frequency:FRQ n:N z:Z")(gwas.assign(z=z))


def vcf(gwas: pd.DataFrame) -> str:
    packed = gwas["beta"] + ":" + gwas["se"] + ":" + gwas["frequency"] + ":" + gwas["n"].astype(str)
    places = renamed("chromosome:#CHROM position:POS id:ID other:REF effect:ALT")
    constant = {"QUAL": ".", "FILTER": "PASS", "INFO": ".", "FORMAT": "ES:SE:AF:SS"}
    lines = places(gwas).splitlines()
    tail = ["\t".join([*constant, "tiny"])]
    tail += ["\t".join([*constant.values(), value]) for value in packed]
    rows = (f"{line}\t{end}\n" for line, end in zip(lines, tail, strict=True))
    return "##fileformat=VCFv4.2\n" + "".join(rows)


def regenie(gwas: pd.DataFrame) -> str:
    columns = "chromosome:CHROM position:GENPOS id:ID other:ALLELE0 effect:ALLELE1 "
    columns += "frequency:A1FREQ n:N beta:BETA se:SE"
    text = renamed(columns, TEST="ADD", LOG10P="NA")(gwas.sample(frac=1, random_state=1))
    return text.replace("\t", " ")


FORMATS = {
    "fastGWA": renamed(
        "chromosome:CHR id:SNP position:POS effect:A1 other:A2 n:N frequency:AF1 beta:BETA se:SE"
    ),
    "GWAS-SSF": renamed(
        "chromosome:chromosome position:base_pair_location effect:effect_allele "
        "other:other_allele beta:beta se:standard_error frequency:effect_allele_frequency "
        "id:rsid n:n"
    ),
    "COJO": renamed("id:SNP effect:A1 other:A2 frequency:freq beta:b se:se n:N"),
    "SAIGE": renamed(
        "chromosome:CHR position:POS id:MarkerID other:Allele1 effect:Allele2 "
        "frequency:AF_Allele2 n:N beta:BETA se:SE"
    ),
    "PLINK2": renamed(
        "chromosome:#CHROM position:POS id:ID other:REF effect:ALT effect:A1 frequency:A1_FREQ "
        "n:OBS_CT beta:BETA se:SE",
        TEST="ADD",
    ),
    "REGENIE": regenie,
    "LDSC": ldsc,
    "GWAS-VCF": vcf,
}


def study(path: Path, panel: Path, out: Path, **settings) -> StudySettings:
    return StudySettings(sumstats=str(path), ld=str(panel), output=str(out), **settings)


def test_every_format_leads_to_the_same_study(gwas, panel, tmp_path):
    hashes, tables = set(), []
    for name, write in FORMATS.items():
        path = tmp_path / f"{name}.txt"
        path.write_text(write(gwas))
        made = open_study_store(build_study(study(path, panel, tmp_path / name))).load()
        record = made.attrs["provenance"][0]
        assert record["format"] == name
        assert "effect_allele" in {row["role"] for row in record["understood"]}
        hashes.add(made.attrs["content_hash"])
        tables.append(made)
    assert len(hashes) == 1
    for made in tables[1:]:
        assert made.drop_attrs().identical(tables[0].drop_attrs())
        assert made.attrs["alignment"] == tables[0].attrs["alignment"]


@pytest.fixture
def fastgwa(gwas, tmp_path) -> Path:
    path = tmp_path / "tiny.fastGWA"
    path.write_text(FORMATS["fastGWA"](gwas))
    return path


def test_the_command_shows_the_columns_and_leaves_regions_out(fastgwa, panel, tmp_path, capsys):
    words = ["--sumstats", str(fastgwa), "--ld", str(panel), "-o", str(tmp_path / "s")]
    regions = ["--exclude-regions", "mhc", "--exclude-regions", "long-range"]
    columns = ["--column", "z=BETA", "--column", "frequency=AF1", "n=N"]
    assert main(["study", *words, *regions, *columns, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {row["role"]: row["column"] for row in told["understood"]}["z"] == "BETA"
    assert told["format"] == "fastGWA"
    steps = {row["step"]: row["variants"] for row in told["alignment"]}
    assert steps["In an excluded region"] == -15
    made = open_study_store(tmp_path / "s.study.zarr")
    chromosome = made["variant_chromosome"].values
    assert not made["variant_scored"].values[chromosome == "6"].any()
    assert main(["study", *words]) == 0
    told = capsys.readouterr().out
    assert f"{fastgwa}: fastGWA\n" in told
    assert re.search(r"effect_allele +A1 +so in fastGWA files +A, C, G\n", told)


def test_cases_and_controls_and_frequencies_are_settings(fastgwa, panel, tmp_path):
    settings = study(fastgwa, panel, tmp_path / "a", cases=1000, controls=4000)
    made = open_study_store(build_study(settings))
    assert (made["variant_sample_size"].values == 3200).all()
    settings = study(fastgwa, panel, tmp_path / "b", max_frequency_difference=0.01)
    report = open_study_store(build_study(settings)).attrs["alignment"]
    far = [row for row in report if row["step"].startswith("Allele frequency far")]
    assert far[0]["variants"] < -10


def test_another_build_is_lifted_over(fastgwa, panel, tmp_path):
    text = fastgwa.read_text()
    moved = pd.read_csv(fastgwa, sep="\t", dtype=str)
    moved["POS"] = (moved["POS"].astype(int) + 1000).astype(str)
    moved.to_csv(fastgwa, sep="\t", index=False)
    with pytest.raises(InputError, match=r"40 of 40 .*another position.*--chain"):
        build_study(study(fastgwa, panel, tmp_path / "s"))
    with pytest.raises(InputError, match=r"is on hg38, but the LD panel .*--chain"):
        build_study(study(fastgwa, panel, tmp_path / "s", build="hg38"))
    chain = tmp_path / "new_to_old.chain"
    chain.write_text(
        "".join(
            f"chain 1 chr{c} 60000000 + 1000 50000000 chr{c} 60000000 + 0 49999000 {c}\n"
            "49999000\n\n"
            for c in (6, 22)
        )
    )
    lifted = study(fastgwa, panel, tmp_path / "s", build="hg38", chain=str(chain))
    lifted = open_study_store(build_study(lifted))
    fastgwa.write_text(text)
    plain = open_study_store(build_study(study(fastgwa, panel, tmp_path / "t")))
    assert lifted.attrs["content_hash"] == plain.attrs["content_hash"]
    roles = [record["role"] for record in lifted.attrs["provenance"]]
    assert "liftover" in roles


def test_info_tells_the_columns_even_without_a_sample_size(gwas, tmp_path):
    path = tmp_path / "prs.txt"
    path.write_text(renamed("id:SNP effect:A1 other:A2 beta:BETA se:SE")(gwas))
    facts = info(path)
    assert facts["kind"] == "summary statistics, PRS-CS"
    assert json.loads(facts["columns"])["effect_allele"] == "A1"
    assert facts["sample size"] == "not in the file; give it with --n"


def test_bad_settings_are_said_in_one_line(fastgwa, panel, tmp_path):
    for change, words in (
        ({"column": ["ZSCORE"]}, "--column ZSCORE: say ROLE=NAME"),
        ({"column": ["zeta=BETA"]}, "column zeta: no such role"),
        ({"cases": 10}, "cases and controls go together"),
        ({"exclude_regions": ["lrld"]}, "lrld: no such file"),
        ({"chain": str(fastgwa)}, "cannot be read"),
        ({"format": "LDSC"}, "has no column Z, which LDSC files have"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            build_study(study(fastgwa, panel, tmp_path / "bad", **change))
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "bad.study.zarr").exists()


def test_tracks_are_written_beside_the_study(fastgwa, panel, tmp_path):
    import pybigtools

    from deepwas_app.genetics.annotation.tracks import open_tracks, read_tracks

    for name in ("a", "b"):
        spans = [("chr22", i, i + 1, float(i % 7)) for i in range(1000)]
        writer = pybigtools.open(str(tmp_path / f"{name}.bw"), "w")
        writer.write({"chr22": 2000}, iter(spans))
    settings = study(
        fastgwa, panel, tmp_path / "s", tracks=[str(tmp_path / "*.bw")], track_window=16
    )
    made = open_study_store(build_study(settings))
    tracks = open_tracks(tmp_path / "s.tracks.zarr")
    assert tracks.attrs["content_hash"] == made.attrs["content_hash"]
    for block, variants in enumerate(made["block_variants"].values):
        assert read_tracks(tracks, block).shape == (variants, 16, 2)
    (tmp_path / "c.bw").write_bytes(b"<html></html>")
    settings.output = str(tmp_path / "t")
    with pytest.raises(InputError, match=r"c\.bw: is no bigWig"):
        build_study(settings)
    assert not (tmp_path / "t.study.zarr").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("cut.gz", lambda text: gzip.compress(text.encode())[:-30], "cannot be read"),
        ("page.gz", lambda text: b"<!DOCTYPE html><p>Sign in</p>", "is a web page"),
        ("noise.txt", lambda text: bytes(range(256)) * 9, "holds binary data"),
        ("head.txt", lambda text: text.split("\n")[0].encode() + b"\n", "no rows"),
        (
            "moved.txt",
            lambda text: text.replace("\trs20\t", "\t\trs20\t").encode(),
            "line 22 has 10 fields, but the header has 9",
        ),
        (
            "mixed.txt",
            lambda text: text.replace("\trs20\t", "\t").replace("\t1020\t", "\t1020\tx\t").encode(),
            "line 22 has 'A' in column POS",
        ),
    ],
)
def test_bad_files_end_the_command_with_one_line(
    gwas, panel, tmp_path, capsys, name: str, content: Callable, words: str
):
    path, out = tmp_path / name, tmp_path / "out"
    path.write_bytes(content(FORMATS["fastGWA"](gwas)))
    out.mkdir()
    words_given = ["--sumstats", str(path), "--ld", str(panel), "-o", str(out / "s")]
    assert main(["study", *words_given, "--json"]) == 1
    told = capsys.readouterr().err.strip()
    assert words in told
    assert str(path) in told
    assert "\n" not in told
    assert list(out.iterdir()) == []


def test_a_dry_run_says_what_is_understood_and_writes_nothing(fastgwa, tmp_path, capsys):
    assert main(["study", "--sumstats", str(fastgwa), "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["format"] == "fastGWA"
    assert told["understood"][0] == {
        "role": "id",
        "column": "SNP",
        "why": "its name, and values rs...",
        "values": ["rs0", "rs1", "rs2"],
    }
    fastgwa.write_text(fastgwa.read_text().replace("\tAF1\t", "\tBMI\t"))
    assert main(["study", "--sumstats", str(fastgwa), "--dry-run"]) == 0
    told = capsys.readouterr()
    assert told.out.endswith("    not used: BMI\n")
    assert "--column effect_allele=A1 other_allele=A2" in told.err
    assert "no sample sizes" not in told.err
    fastgwa.write_text(fastgwa.read_text().replace("\tN\t", "\tages\t"))
    assert main(["study", "--sumstats", str(fastgwa), "--dry-run"]) == 0
    assert "no sample sizes. Give --n" in capsys.readouterr().err
    fastgwa.write_text(fastgwa.read_text().replace("\tBETA\t", "\tX\t"))
    assert main(["study", "--sumstats", str(fastgwa), "--dry-run"]) == 1
    assert "has no column for z, beta or odds_ratio" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [fastgwa.name]


def test_a_build_in_a_name_must_be_the_panels(fastgwa, panel, tmp_path):
    fastgwa.write_text(fastgwa.read_text().replace("\tPOS\t", "\tPOS_b38\t"))
    with pytest.raises(InputError, match=r"is on hg38 \(in the name POS_b38\), but the LD panel"):
        build_study(study(fastgwa, panel, tmp_path / "s"))
    # Who says the build knows better.
    build_study(study(fastgwa, panel, tmp_path / "s", build="hg19"))


def test_a_study_made_before_shows_its_columns(tmp_path):
    table = understood_table({"columns": {"effect_allele": "A1"}})
    assert table.to_dict("records") == [
        {"ROLE": "effect_allele", "COLUMN": "A1", "WHY": "", "VALUES": ""}
    ]
