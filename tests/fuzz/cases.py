"""The readers, each with a small sound file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import norm

from deepwas_app.genetics.annotation.annotations import join_annotations
from deepwas_app.genetics.annotation.tables import read_table_on
from deepwas_app.genetics.excluded import read_regions
from deepwas_app.genetics.gwas.lift import lift
from deepwas_app.genetics.gwas.sumstats import read_sumstats
from deepwas_app.genetics.intervals import read_bed
from deepwas_app.genetics.ld.blocks import read_blocks
from deepwas_app.genetics.tables import MISSING

from .harness import Case
from .mutations import PACK
from .plain import Row, among, number, records, rows_of, table_check, text_of

ROWS = 40
MARKS = {"tsv": "\t", "csv": ",", "txt": " "}
VCF_HEADER = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts"
GWAS = ["SNP", "CHR", "BP", "EA", "OA", "EAF", "BETA", "SE", "P", "N"]
FILES: list[Case] = []
"""Readers of tables and lists."""


@cache
def world() -> SimpleNamespace:
    """40 variants of chromosome 22, what a GWAS says of them, and a signal."""
    rng = np.random.default_rng(3)
    position = 20_000_000 + 1_000 * np.arange(ROWS)
    pairs = np.array([("A", "G"), ("C", "T"), ("G", "T"), ("A", "C")])[np.arange(ROWS) % 4]
    beta, se = rng.normal(0, 0.05, ROWS).round(4), rng.uniform(0.01, 0.03, ROWS).round(4)
    gwas = pd.DataFrame(
        {
            "SNP": [f"rs{i + 1}" for i in range(ROWS)],
            "CHR": 22,
            "BP": position,
            "EA": pairs[:, 0],
            "OA": pairs[:, 1],
            "EAF": rng.uniform(0.02, 0.98, ROWS).round(3),
            "BETA": beta,
            "SE": se,
            "P": [f"{p:.3g}" for p in np.exp(-0.5 * (beta / se) ** 2)],
            "N": 10_000 + np.arange(ROWS),
        }
    )
    names = {"id": "SNP", "effect_allele": "EA", "other_allele": "OA"}
    arrays = {key: gwas[column].to_numpy(object) for key, column in names.items()}
    arrays |= {"chromosome": np.full(ROWS, "22", object), "position": position.astype(np.int32)}
    variants = xr.Dataset(
        {f"variant_{key}": ("variants", array) for key, array in arrays.items()},
        attrs={"genome_build": "hg19"},
    )
    table = gwas[["SNP", "CHR", "BP"]].assign(
        Exon=np.arange(ROWS) % 2, Score=rng.standard_normal(ROWS).round(4)
    )
    return SimpleNamespace(rng=rng, gwas=gwas, variants=variants, table=table)


def written(name: str, text: Callable[[], str], packing: str = "text") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        content = text().encode()
        path = folder / name
        path.write_bytes(content if packing == "text" else PACK[packing][0](content))
        return path

    return make


def as_csv(frame: Callable[[], pd.DataFrame], ending: str) -> Callable[[], str]:
    return lambda: frame().to_csv(sep=MARKS[ending], index=False)


def _sums(result: xr.Dataset) -> Iterable[Row]:
    # Not as numpy's text, which loses a NUL at its end.
    names = map(str, result["variant_id"].values.tolist())
    columns = ("position", "z", "sample_size")
    arrays = [result[f"variant_{name}"].values.astype(float) for name in columns]
    return zip(names, zip(*arrays, strict=True), strict=True)


def _of_gwas(row: dict[str, str]) -> Row:
    beta, se, place = number(row["BETA"]), number(row["SE"]), number(row["BP"])
    # Without a place, rows are known by their name; without an error, by P and the sign.
    placed = 0 < place < 2**31 and row["CHR"].strip("\0") not in MISSING
    with np.errstate(over="ignore"):
        z = np.float64(beta) / np.float64(se) if se else np.nan
    if row["SE"] in MISSING:
        z = np.sign(beta) * norm.isf(number(row["P"]) / 2)
    # A name that is missing is none.
    name = "" if row["SNP"] in MISSING else row["SNP"]
    return name, (place if placed else 0.0, float(z), number(row["N"]))


def _vcf_check(content: bytes, result: xr.Dataset) -> str:
    if VCF_HEADER not in text_of(content).splitlines():
        return ""
    plain = []
    for row in rows_of(content, "\t"):
        if len(row) != 10:
            return f"a row of {len(row)} fields was accepted"
        cells = dict(zip(row[8].split(":"), row[9].split(":"), strict=False))
        p = 10 ** -number(cells.get("LP", ""))
        named = {"BETA": "ES", "SE": "SE", "N": "SS"}
        known = {name: cells.get(key, "") for name, key in named.items()}
        known |= {"SNP": row[2], "CHR": row[0], "BP": row[1], "P": str(p)}
        plain.append(_of_gwas(known))
    return among(_sums(result), plain)


# Summary statistics.
for _ending, _packing in (
    *(("tsv", "text"), ("csv", "text"), ("txt", "text")),
    *(("tsv", "gzip"), ("csv", "bz2"), ("tsv", "zstd")),
):
    FILES.append(
        Case(
            f"sumstats {_ending} {_packing}",
            written(f"gwas.{_ending}", as_csv(lambda: world().gwas, _ending), _packing),
            read_sumstats,
            _packing,
            table_check(GWAS, None if _ending == "txt" else MARKS[_ending], _sums, _of_gwas),
        )
    )


def as_parquet(frame: Callable[[], pd.DataFrame], name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        frame().to_parquet(folder / name, row_group_size=20)
        return folder / name

    return make


def _vcf() -> str:
    lines = ["##fileformat=VCFv4.2", "##SAMPLE=<ID=s,TotalControls=10000,StudyType=Continuous>"]
    lines.append(VCF_HEADER)
    for row in world().gwas.itertuples():
        packed = f"{row.BETA}:{row.SE}:{-np.log10(float(row.P)):.4f}:{row.EAF}:{row.N}:{row.SNP}"
        lines.append(
            f"22\t{row.BP}\t{row.SNP}\t{row.OA}\t{row.EA}\t.\tPASS\tAF=0.1\tES:SE:LP:AF:SS:ID\t"
            + packed
        )
    return "\n".join(lines) + "\n"


def _metadata(folder: Path) -> Path:
    written("gwas.tsv", as_csv(lambda: world().gwas.drop(columns="N"), "tsv"))(folder)
    path = folder / "gwas.tsv-meta.yaml"
    path.write_text(
        "# GWAS-SSF\ngenome_assembly: GRCh37\nsamples:\n  - sample_size: 1000\n"
        "    case_count: 400\n    control_count: 600\n  - sample_size: 5\n"
    )
    return path


FILES += [
    Case(
        "sumstats parquet",
        as_parquet(lambda: world().gwas.astype({"P": float}), "gwas.parquet"),
        read_sumstats,
        "binary",
    ),
    Case("sumstats VCF", written("gwas.vcf", _vcf), read_sumstats, check=_vcf_check),
    Case(
        "sumstats VCF gzip", written("gwas.vcf.gz", _vcf, "gzip"), read_sumstats, "gzip", _vcf_check
    ),
    Case("sumstats metadata", _metadata, lambda path: read_sumstats(path.with_name("gwas.tsv"))),
]

CHAIN = """chain 1000 chr22 51304566 + 19999000 20100000 chr22 50818468 + 19999100 20100090 1
10000 10 0
90990

chain 900 chr21 51304566 + 0 1000 chr20 50818468 + 0 1000 3
1000

"""


def _lifted(path: Path) -> xr.Dataset:
    attrs = {"path": "gwas.tsv", "dropped": {}}
    return lift(world().variants.assign_attrs(attrs), path)


# Annotations.
BED = "".join(
    f"chr22\t{19_999_500 + 2_000 * i}\t{20_000_400 + 2_000 * i}\tpeak{i}\t{i / 7:.3f}\n"
    for i in range(25)
)
GMT = "Myosins\thttp://x\tMYH9\tAPOL1\nOthers\tnone\tAPOL2\tTOP3B\tUBE2L3\n"
GENES = "name\tchromosome\tstart\tstop\tstrand\n" + "".join(
    f"G{i}\t22\t{20_000_000 + 5_000 * i}\t{20_002_000 + 5_000 * i}\t{'+-'[i % 2]}\n"
    for i in range(9)
)


def _joined(choice: str = "") -> Callable[[Path], Any]:
    return lambda path: join_annotations(world().variants, f"{path}{choice}")


def _bed_check(content: bytes, result: pd.DataFrame) -> str:
    """Every interval is the same line's, by BED's definition."""
    plain = [row for row in rows_of(content, "\t") if len(row) >= 3]
    spans = [(number(row[1]), number(row[2])) for row in plain]
    found = [*zip(result["start"].tolist(), result["stop"].tolist(), strict=True)]
    odd = [span for span in found if span not in spans]
    return f"{odd[0]} is no interval of the file" if odd else ""


def _table_values(result: Any) -> Iterable[Row]:
    names = world().variants["variant_id"].values
    for name, found, exon, score in zip(
        names,
        result.found,
        result.columns.get("Exon", np.full(ROWS, np.nan)),
        result.columns.get("Score", np.full(ROWS, np.nan)),
        strict=True,
    ):
        if found:
            yield name, (exon, score)


def _of_table(row: dict[str, str]) -> Row:
    return row["SNP"], (number(row["Exon"]), number(row["Score"]))


def _table_check(mark: str) -> Callable[[bytes, Any], str]:
    check = table_check(["SNP", "CHR", "BP", "Exon", "Score"], mark, _table_values, _of_table)

    def of_single_rows(content: bytes, result: Any) -> str:
        rows = records(content, ["SNP", "CHR", "BP", "Exon", "Score"], mark) or []
        names, places = [row.get("SNP") for row in rows], [row.get("BP") for row in rows]
        # What stands there twice is averaged, and what lost its name is matched by its place.
        own = dict(zip(world().gwas["BP"].astype(str), world().gwas["SNP"], strict=True))
        if len({*names}) < len(names) or len({*places}) < len(places):
            return ""
        if any(own.get(str(at), name) != name for name, at in zip(names, places, strict=True)):
            return ""
        if not {*own.values()} >= {*names}:
            return ""
        return check(content, result)

    return of_single_rows


def _thin(target: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        table = world().table
        table[["Exon", "Score"]].to_csv(folder / "thin.annot", sep="\t", index=False)
        bim = table[["CHR", "SNP"]].assign(CM=0, BP=table["BP"], A1="A", A2="G")
        bim.to_csv(folder / "thin.bim", sep="\t", index=False, header=False)
        return folder / target

    return make


def _scores() -> pd.DataFrame:
    gwas = world().gwas
    table = gwas[["CHR", "BP", "OA", "EA"]].set_axis(["CHROM", "POS", "REF", "ALT"], axis=1)
    return table.assign(brain=gwas["BETA"], liver=gwas["SE"], word="x")


def write_bigwig(path: Path) -> Path:
    """A signal around the variants."""
    import pybigtools

    spans = (("chr22", 19_999_900 + 250 * i, 20_000_100 + 250 * i, i % 7 / 2) for i in range(200))
    pybigtools.open(str(path), "w").write({"chr22": 51_304_566}, spans)
    return path


FILES += [
    Case("chain", written("a.chain", lambda: CHAIN), _lifted),
    Case("chain gzip", written("a.chain.gz", lambda: CHAIN, "gzip"), _lifted, "gzip"),
    Case("BED", written("a.bed", lambda: BED), read_bed, check=_bed_check),
    Case("BED gzip", written("a.bed.gz", lambda: BED, "gzip"), read_bed, "gzip", _bed_check),
    Case("BED values", written("a.bed", lambda: BED), _joined("#5")),
    Case(
        "bedGraph",
        written(
            "a.bedGraph",
            lambda: "track type=bedGraph\n" + BED.replace("peak", "0."),
        ),
        _joined(),
    ),
    Case(
        "LD blocks",
        written("b.bed", lambda: "chr start stop\n" + BED),
        read_blocks,
        check=_bed_check,
    ),
    Case(
        "excluded regions",
        written("b.bed", lambda: BED),
        lambda path: read_regions([path], ""),
        check=_bed_check,
    ),
    Case("bigWig", lambda folder: write_bigwig(folder / "a.bw"), _joined("#1000"), "binary"),
    Case("gene sets", written("a.gmt", lambda: GMT), lambda path: _gmt(path)),
    Case("gene table", written("a.tsv", lambda: GENES), _joined()),
    *(
        Case(
            f"annotations {ending} {packing}",
            written(f"a.{ending}", as_csv(lambda: world().table, ending), packing),
            lambda path: read_table_on(path, world().variants),
            packing,
            _table_check(MARKS[ending]),
        )
        for ending, packing in (("tsv", "text"), ("csv", "text"), ("tsv", "gzip"))
    ),
    Case(
        "annotations parquet", as_parquet(lambda: world().table, "a.parquet"), _joined(), "binary"
    ),
    Case("thin .annot", _thin("thin.annot"), _joined()),
    Case("thin .annot .bim", _thin("thin.bim"), lambda p: _joined()(p.with_suffix(".annot"))),
    Case("variant scores", written("s.tsv", as_csv(_scores, "tsv")), _joined()),
    Case(
        "variant scores gzip", written("s.csv", as_csv(_scores, "csv"), "gzip"), _joined(), "gzip"
    ),
    Case("variant scores parquet", as_parquet(_scores, "s.parquet"), _joined(), "binary"),
]


@cache
def _near_genes() -> xr.Dataset:
    """Variants of which some are near genes of the sets."""
    position = np.array([36_677_327, 36_783_063, 36_500_000, 22_330_000, 30_000_000], np.int32)
    return xr.Dataset(
        {
            "variant_id": ("variants", np.array([*"abcde"])),
            "variant_chromosome": ("variants", np.full(5, "22")),
            "variant_position": ("variants", position),
        }
    )


def _gmt(path: Path) -> Any:
    return join_annotations(_near_genes(), path, "hg19")
