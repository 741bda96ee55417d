"""Signs of LD, and variants and people that are chosen."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.ld.factor import standardise
from deepwas_app.genetics.ld.matrix import check_signed
from deepwas_app.genetics.ld.panel import open_panel, read_factor
from deepwas_app.genetics.ld.sources.base import check_foreign, only_listed
from deepwas_app.genetics.ld.sources.dense import open_dense
from deepwas_app.genetics.ld.sources.genotypes import open_genotypes
from deepwas_app.genetics.ld.sources.ldgm import open_ldgm
from deepwas_app.genetics.ld.sources.prscs import open_prscs
from deepwas_app.genetics.ld.sources.ukb import open_ukb
from deepwas_app.genetics.lists import read_people_list, read_variant_list
from deepwas_app.workflow.settings import PanelSettings
from deepwas_app.workflow.studies.build import build_ld

from .conftest import (
    correlated_dosages,
    write_bed,
    write_dense,
    write_ldgm,
    write_prscs,
    write_window,
)


def mult(folder: Path, table: pd.DataFrame, flip: np.ndarray) -> None:
    """The table of several populations that PRS-CSx has: A1 is common to all of them."""
    swapped = table.assign(
        A1=np.where(flip, table["A2"], table["A1"]), A2=np.where(flip, table["A1"], table["A2"])
    )
    frame = swapped[["CHR", "SNP", "BP", "A1", "A2"]].assign(
        FRQ_EAS=0.4, FRQ_EUR=np.where(flip, 0.8, 0.2), FLP_EAS=1, FLP_EUR=np.where(flip, -1, 1)
    )
    frame.to_csv(folder / "snpinfo_mult_1kg_hm3", sep="\t", index=False)


def r_of(panel: xr.Dataset, table: pd.DataFrame) -> np.ndarray:
    """LD of the panel with the first allele of the table counted."""
    W = read_factor(panel, 0).astype(float)
    sign = np.where(panel["variant_effect_allele"].values == table["A1"].to_numpy(), 1, -1)
    return W @ W.T * np.outer(sign, sign)


def test_flips_of_a_panel_of_several_populations_are_honoured(tmp_path, block, panel_of):
    flip = np.random.default_rng(0).random(len(block.R)) < 0.4
    folder = write_prscs(tmp_path / "ldblk_1kg", block.R, block.table)
    mult(folder, block.table, flip)
    # The table of one population goes first, though it sorts last.
    alone = panel_of(open_prscs(folder))
    np.testing.assert_allclose(r_of(alone, block.table), block.R, atol=2e-3)
    (folder / "snpinfo_1kg_hm3").unlink()
    both = panel_of(open_prscs(folder, population="EUR"))
    assert (
        both["variant_effect_allele"].values != block.table["A1"].to_numpy()
    ).sum() == flip.sum()
    np.testing.assert_allclose(r_of(both, block.table), block.R, atol=2e-3)
    np.testing.assert_allclose(
        both["variant_allele_frequency"].values, np.where(flip, 0.8, 0.2), atol=1e-6
    )
    with pytest.raises(InputError, match=r"of several populations, EAS, EUR.*--population"):
        open_prscs(folder, population="AFR")
    named = folder.rename(tmp_path / "ldblk_1kg_eur")
    np.testing.assert_allclose(
        r_of(panel_of(open_prscs(named, population="EAS")), block.table), block.R, atol=2e-3
    )


def test_two_tables_of_one_kind_are_asked(tmp_path, block):
    folder = write_prscs(tmp_path / "ld", block.R, block.table)
    (folder / "snpinfo_1kg_hm3_old").write_text((folder / "snpinfo_1kg_hm3").read_text())
    with pytest.raises(InputError, match=r"holds 2 tables of variants, snpinfo_1kg_hm3 and"):
        open_prscs(folder)


def test_squares_are_not_taken_for_correlations(tmp_path, panel_of):
    rng = np.random.default_rng(1)
    R = np.corrcoef(correlated_dosages(rng, 400, 60).T)
    table = pd.DataFrame(
        {"CHR": 22, "SNP": [f"rs{i}" for i in range(60)], "BP": np.arange(60) + 1}
    ).assign(A1="A", A2="G")
    square = np.ascontiguousarray(R**2)
    path = write_dense(tmp_path, square, table)
    with pytest.raises(InputError, match=r"R\.npy: none of its correlations is negative, among 60"):
        panel_of(open_dense([path]))
    folder = write_prscs(tmp_path / "ld", square, table)
    with pytest.raises(InputError, match="blk_1: none of its correlations is negative"):
        panel_of(open_prscs(folder))
    check_signed(R, "r")
    check_signed(square[:49, :49], "few")
    check_signed(np.eye(60), "no LD")


@pytest.mark.parametrize(
    "text",
    [
        "{ids}\n",
        "SNP\n{ids}\n",
        "{keys}\n",
        "{bim}\n",
        "CHR\tBP\n{places}\n",
        "SNP\tA1\tBETA\n{rows}\n",
    ],
)
def test_variants_are_chosen_by_lists_of_every_layout(tmp_path, block, panel_of, text):
    table = block.table.iloc[2:9]
    cells = [*zip(table["SNP"], table["BP"], table["A1"], table["A2"], strict=True)]
    file = tmp_path / "list.txt"
    file.write_text(
        text.format(
            ids="\n".join(c[0] for c in cells),
            keys="\n".join(f"chr22:{c[1]}:{c[3]}:{c[2]}" for c in cells),
            bim="\n".join(f"22 {c[0]} 0 {c[1]} {c[2]} {c[3]}" for c in cells),
            places="\n".join(f"22\t{c[1]}" for c in cells),
            rows="\n".join(f"{c[0]}\tA\t0.5" for c in cells),
        )
        + "rs999999999\n" * ("ids" in text)
    )
    listed = read_variant_list(file)
    whole = panel_of(open_dense([write_dense(tmp_path, block.R, block.table)]))
    source = open_dense([tmp_path / "R.npy"])
    some = next(iter(source.blocks(1.0, 0.0)))
    chosen = only_listed(some, listed)
    assert chosen.variants["variant_id"].values.tolist() == [cell[0] for cell in cells]
    assert chosen.dropped == {"not in the list of variants": len(block.R) - 7}
    np.testing.assert_allclose(chosen.factor @ chosen.factor.T, block.R[2:9, 2:9], atol=2e-3)
    assert whole.sizes["variants"] == len(block.R)


def test_variants_and_people_of_genotypes_are_chosen(tmp_path: Path, block: SimpleNamespace):
    prefix = write_bed(tmp_path, block.dosages, block.table)
    (tmp_path / "list.txt").write_text("\n".join(block.table["SNP"].iloc[::2]) + "\nrs999999999\n")
    fam = [line.split() for line in prefix.with_suffix(".fam").read_text().splitlines()]
    people = np.arange(0, len(fam), 3)
    (tmp_path / "keep.txt").write_text("".join(f"{fam[i][0]}\t{fam[i][1]}\n" for i in people[::-1]))
    source = open_genotypes(
        prefix, extract=read_variant_list(tmp_path / "list.txt"), keep=tmp_path / "keep.txt"
    )
    assert source.sample_size == len(people)
    found = list(source.blocks(1.0, 0.0))
    dosages = block.dosages[people][:, ::2]
    frequency = np.nanmean(dosages, axis=0) / 2
    got = np.concatenate([b.variants["variant_allele_frequency"].values for b in found])
    np.testing.assert_allclose(got, frequency, atol=1e-6)
    standardised, _ = standardise(dosages)
    R = standardised.T @ standardised / len(people)
    if len(found) == 1:
        np.testing.assert_allclose(found[0].factor @ found[0].factor.T, R, atol=1e-3)
    (tmp_path / "other.txt").write_text("x1\nx2\n")
    with pytest.raises(InputError, match=r"has none of the variants .* It has x1, x2; the source"):
        open_genotypes(prefix, extract=read_variant_list(tmp_path / "other.txt"))
    table = pd.DataFrame(fam).rename(columns={0: "FID", 1: "IID"})
    for text in ("IID\n{1}\n", "#FID IID\n{0} {1}\n", "{1}\n"):
        (tmp_path / "keep.txt").write_text(text.format(*fam[4]))
        assert read_people_list(tmp_path / "keep.txt", table).tolist() == [4]
    (tmp_path / "keep.txt").write_text("nobody nobody\n")
    with pytest.raises(InputError, match="has none of the people: nobody here"):
        read_people_list(tmp_path / "keep.txt", table)


def test_listed_variants_that_are_nowhere_are_named(tmp_path, block):
    prefix = write_bed(tmp_path, block.dosages, block.table)
    (tmp_path / "list.txt").write_text("\n".join([*block.table["SNP"].iloc[:5], "x1", "22:7:A:G"]))
    settings = PanelSettings(
        bfile=str(prefix), extract=str(tmp_path / "list.txt"), output=str(tmp_path / "x")
    )
    panel = open_panel(build_ld(settings=settings))
    assert panel.sizes["variants"] == 5
    assert any(
        "2 of 7 variants of" in n and "x1, 22:7:A:G (22:7)" in n for n in panel.attrs["notes"]
    )


def test_windows_take_chosen_variants(tmp_path, block, panel_of):
    folder = tmp_path / "ukb"
    folder.mkdir()
    write_window(folder, block.R, block.table, 19_000_001, 22_000_001)
    (tmp_path / "list.txt").write_text("\n".join(block.table["SNP"].iloc[3:8]) + "\n")
    panel = panel_of(open_ukb(folder, extract=read_variant_list(tmp_path / "list.txt")))
    assert panel["variant_id"].values.tolist() == block.table["SNP"].iloc[3:8].tolist()
    W = read_factor(panel, 0).astype(float)
    np.testing.assert_allclose(W @ W.T, block.R[3:8, 3:8], atol=2e-3)


def test_ld_of_r_and_hail_is_said(tmp_path):
    with pytest.raises(InputError, match=r"LD_chr22\.rds: is a file of R, .*writeMM"):
        check_foreign(tmp_path / "LD_chr22.rds")
    (tmp_path / "ukb.bm" / "parts").mkdir(parents=True)
    with pytest.raises(InputError, match=r"ukb\.bm: is a Hail BlockMatrix.*to_numpy"):
        check_foreign(tmp_path / "ukb.bm")
    check_foreign(tmp_path)


def test_only_chosen_indices_of_a_precision_matrix_are_solved_for(tmp_path, block, panel_of):
    folder = write_ldgm(tmp_path / "ldgm", block.R, block.table)
    (tmp_path / "list.txt").write_text("\n".join(block.table["SNP"].iloc[3:8]) + "\n")
    panel = panel_of(open_ldgm(folder, extract=read_variant_list(tmp_path / "list.txt")))
    assert panel["variant_id"].values.tolist() == block.table["SNP"].iloc[3:8].tolist()
    W = read_factor(panel, 0).astype(float)
    np.testing.assert_allclose(W @ W.T, block.R[3:8, 3:8], atol=2e-3)


def test_a_large_precision_matrix_has_a_quick_factor(tmp_path, block, panel_of, monkeypatch):
    folder = write_ldgm(tmp_path / "ldgm", block.R, block.table)
    exact = read_factor(panel_of(open_ldgm(folder), variance=0.9), 0).astype(float)
    monkeypatch.setattr("deepwas_app.genetics.ld.sources.ldgm._LARGE", 10)
    quick = read_factor(panel_of(open_ldgm(folder), variance=0.9), 0).astype(float)
    size = len(block.R)
    assert exact.shape[1] <= quick.shape[1] < size
    held = (quick**2).sum()
    assert 0.9 * size <= held < 0.9 * size + 1
    # What is left of LD is positive semi-definite.
    assert np.linalg.eigvalsh(block.R - quick @ quick.T)[0] > -1e-3
    whole = read_factor(panel_of(open_ldgm(folder), variance=1.0), 0).astype(float)
    np.testing.assert_allclose(whole @ whole.T, block.R, atol=2e-3)
