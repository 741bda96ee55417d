"""Readers of scores, people and lists, each with a small sound file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.genetics.genotypes.phenotype import read_covariates, read_people, read_phenotype
from deepwas_app.genetics.genotypes.weights import read_weights
from deepwas_app.genetics.known import read_known
from deepwas_app.genetics.lists import read_people_list, read_variant_list
from deepwas_app.genetics.tables import MISSING

from .cases import ROWS, as_csv, as_parquet, world, written
from .harness import Case
from .plain import Row, among, bare_check, number, records, table_check

# PRS-CS writes these without names.
BARE = ["CHR", "SNP", "BP", "A1", "A2", "BETA"]
PGS = ["rsID", "chr_name", "chr_position", "effect_allele", "other_allele", "effect_weight"]


def _people() -> pd.DataFrame:
    names = [f"i{i}" for i in range(ROWS)]
    return pd.DataFrame({"FID": names, "IID": names, "father": "0", "mother": "0"})


def _phenotypes() -> pd.DataFrame:
    return _people()[["FID", "IID"]].assign(HEIGHT=world().gwas["BETA"], AGE=40 + np.arange(ROWS))


def _phenotype_values(result: tuple[np.ndarray, str]) -> Iterable[Row]:
    values, name = result
    names = _people()["IID"]
    return [(i, (v,)) for i, v in zip(names, values, strict=True) if name and np.isfinite(v)]


def _fam(folder: Path) -> Path:
    for name in ("g.bed", "g.bim"):
        (folder / name).write_bytes(b"x")
    _people().assign(sex=1, case=-9).to_csv(folder / "g.fam", sep=" ", index=False, header=False)
    return folder / "g.fam"


def _weights() -> pd.DataFrame:
    return (
        world()
        .gwas[["SNP", "CHR", "BP", "EA", "OA", "BETA"]]
        .rename(columns={"EA": "A1", "OA": "A2"})
    )


def _weight_values(found: pd.DataFrame) -> Iterable[Row]:
    return zip(found["SNP"].astype(str), zip(found["BETA"]), strict=True)


def _weight(name: str, value: str) -> Row:
    return "." if name in MISSING else name, (number(value),)


def _pgs() -> str:
    table = _weights().set_axis(PGS, axis=1)
    return "###PGS CATALOG SCORING FILE\n#weight_type=beta\n" + table.to_csv(sep="\t", index=False)


def _known() -> pd.DataFrame:
    gwas = world().gwas
    return pd.DataFrame(
        {
            "PUBMEDID": 1,
            "DISEASE/TRAIT": "Height",
            "CHR_ID": 22,
            "CHR_POS": gwas["BP"],
            "SNPS": gwas["SNP"],
            "PVALUE_MLOG": 8 + gwas["SE"],
        }
    )


def _covariate_values(result: np.ndarray) -> Iterable[Row]:
    rows = zip(_people()["IID"], result.tolist(), strict=True)
    return [(name, tuple(values)) for name, values in rows if np.isfinite(values).any()]


def _covariates(row: dict[str, str]) -> Row:
    # PLINK's word for what is missing.
    values = (number(row[name]) for name in ("HEIGHT", "AGE"))
    return row["IID"], tuple(np.nan if value == -9 else value for value in values)


def _known_of(content: bytes, result: pd.DataFrame) -> str:
    rows = records(content, [*_known().columns], "\t")
    if rows is None:
        return ""
    plain = [
        (name, (number(row["PVALUE_MLOG"]), row["DISEASE/TRAIT"]))
        for row in rows
        if len(row) == 6
        for name in re.split(r"\s*[;,]\s*|\s+x\s+", row["SNPS"])
    ]
    found = zip(result["minus_log10_p"], result["trait"].str.strip(), strict=True)
    return among(zip(result["variant"].str.strip(), found, strict=True), plain)


def _names(result: xr.Dataset) -> Iterable[Row]:
    return [(str(name), ()) for name in result["variant_id"].values if name]


def _place(value: float) -> float:
    return float(int(value)) if 0 < value < 2**31 else 0.0


PEOPLE: list[Case] = [
    Case(
        "weights tsv",
        written("w.tsv", as_csv(_weights, "tsv")),
        read_weights,
        check=table_check(
            [*_weights().columns],
            "\t",
            _weight_values,
            lambda row: _weight(row["SNP"], row["BETA"]),
        ),
    ),
    Case(
        "weights bare",
        written("w.txt", lambda: _weights()[BARE].to_csv(sep=" ", index=False, header=False)),
        read_weights,
        check=bare_check(None, 6, _weight_values, lambda row: _weight(row[1], row[5])),
    ),
    Case(
        "weights PGS Catalog",
        written("w.txt.gz", _pgs, "gzip"),
        read_weights,
        "gzip",
        table_check(
            PGS, "\t", _weight_values, lambda row: _weight(row["rsID"], row["effect_weight"])
        ),
    ),
    Case("weights parquet", as_parquet(_weights, "w.parquet"), read_weights, "binary"),
    Case(
        "phenotype",
        written("p.tsv", as_csv(_phenotypes, "tsv")),
        lambda path: read_phenotype(path, _people(), "HEIGHT"),
        check=table_check(
            ["FID", "IID", "HEIGHT", "AGE"],
            "\t",
            _phenotype_values,
            lambda row: (row["IID"], (number(row["HEIGHT"]),)),
        ),
    ),
    Case(
        "covariates",
        written("p.txt", as_csv(_phenotypes, "txt")),
        lambda path: read_covariates(path, _people(), skip_unknown=True),
        check=table_check(["FID", "IID", "HEIGHT", "AGE"], None, _covariate_values, _covariates),
    ),
    Case(
        ".fam",
        _fam,
        lambda path: read_people(path),
        check=bare_check(
            None,
            6,
            lambda people: [(row[1], tuple(row)) for row in people.to_numpy(object).tolist()],
            lambda row: (row[1], tuple(row[:4])),
        ),
    ),
    Case(
        "known associations",
        written("k.tsv", as_csv(_known, "tsv")),
        lambda path: read_known(path, world().variants),
        check=_known_of,
    ),
    Case(
        "list of variants",
        written("l.txt", lambda: "\n".join(world().gwas["SNP"]) + "\n"),
        read_variant_list,
        check=bare_check(None, 1, _names, lambda row: (row[0], ())),
    ),
    Case(
        "list of places",
        written("l.tsv", as_csv(lambda: world().gwas[["CHR", "BP"]], "tsv")),
        read_variant_list,
        check=table_check(
            ["CHR", "BP"],
            "\t",
            lambda found: [("", (float(place),)) for place in found["variant_position"].values],
            lambda row: ("", (_place(number(row["BP"])),)),
        ),
    ),
    Case(
        "list of people",
        written("l.txt", lambda: "".join(f"i{i} i{i}\n" for i in range(0, ROWS, 2))),
        lambda path: read_people_list(path, _people()),
        check=bare_check(
            None,
            2,
            lambda found: [(name, ()) for name in _people()["IID"].iloc[found]],
            lambda row: (row[1], ()),
        ),
    ),
]
