"""Bad LD files: one line that names the file and the remedy, and nothing left behind."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from scipy import sparse

from deepwas_app.errors import InputError
from deepwas_app.genetics.ld.panel import write_panel
from deepwas_app.genetics.ld.sources.dense import open_dense, read_matrix
from deepwas_app.genetics.ld.sources.eigen import open_eigen
from deepwas_app.genetics.ld.sources.genotypes import open_genotypes
from deepwas_app.genetics.ld.sources.ldgm import open_ldgm
from deepwas_app.genetics.ld.sources.prscs import open_prscs
from deepwas_app.genetics.ld.sources.ukb import open_ukb

from . import conftest as write


def cut(path: Path, bytes_off: int) -> None:
    path.write_bytes(path.read_bytes()[:-bytes_off])


def eigen(b: SimpleNamespace) -> Path:
    return write.write_eigen(b.folder / "in", b.R, b.table)


def ukb(b: SimpleNamespace) -> Path:
    return write.write_window(b.folder / "in", b.R, b.table, 19_000_001, 22_000_001)


def npz(b: SimpleNamespace) -> Path:
    return ukb(b) / "chr22_19000001_22000001.npz"


def eigen_truncated(b):
    cut(eigen(b) / "block1.eigen.bin", 4)
    return open_eigen(b.folder / "in")


def eigen_of_another_release(b):
    path = eigen(b) / "snp.info"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    return open_eigen(b.folder / "in")


def eigen_header(b):
    path = eigen(b) / "block1.eigen.bin"
    path.write_bytes(np.array([39, 39], "<i4").tobytes() + path.read_bytes()[8:])
    return open_eigen(b.folder / "in")


def eigen_missing(b):
    (eigen(b) / "block1.eigen.bin").unlink()
    return open_eigen(b.folder / "in")


def eigen_nan(b):
    path = eigen(b) / "block1.eigen.bin"
    content = bytearray(path.read_bytes())
    content[-4:] = np.array([np.nan], "<f4").tobytes()
    path.write_bytes(content)
    return open_eigen(b.folder / "in")


def eigen_shifted(b):
    path = eigen(b) / "snp.info"
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace(" 20002000 ", " A ")
    path.write_text("\n".join(lines) + "\n")
    return open_eigen(b.folder / "in")


def wrong_folder(b):
    return open_eigen(ukb(b))


def folder_is_file(b):
    return open_ukb(npz(b))


def ukb_of_another_kind(b):
    return open_ukb(eigen(b))


def ukb_pickled(b):
    data = np.empty(1, dtype=object)
    data[0] = pickle.dumps
    np.savez(npz(b), format=np.array(b"coo"), data=data, row=[0], col=[0], shape=[40, 40])
    return open_ukb(b.folder / "in")


def ukb_truncated(b):
    cut(npz(b), 100)
    return open_ukb(b.folder / "in")


def ukb_not_sparse(b):
    np.savez(npz(b), R=b.R)
    return open_ukb(b.folder / "in")


def ukb_nan(b):
    M = np.tril(b.R, -1) + 0.5 * np.eye(40)
    M[12, 3] = np.nan
    sparse.save_npz(npz(b), sparse.coo_matrix(M))
    return open_ukb(b.folder / "in")


def ukb_other_size(b):
    sparse.save_npz(npz(b), sparse.coo_matrix(np.eye(39)))
    return open_ukb(b.folder / "in")


def ukb_without_table(b):
    npz(b).with_suffix(".gz").unlink()
    return open_ukb(b.folder / "in")


def dense(b, R: np.ndarray):
    return open_dense([write.write_dense(b.folder, R, b.table)])


def dense_nan(b):
    R = b.R.copy()
    R[9, 4] = R[4, 9] = np.nan
    return dense(b, R)


def dense_pickled(b):
    write.write_dense(b.folder, b.R, b.table)
    np.save(b.folder / "R.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return open_dense([b.folder / "R.npy"])


def dense_asymmetric(b):
    R = b.R.copy()
    R[7, 2] += 0.1
    return dense(b, R)


def dense_covariance(b):
    return dense(b, 2 * b.R)


def dense_alone(b):
    path = write.write_dense(b.folder, b.R, b.table)
    (b.folder / "R.tsv").unlink()
    return open_dense([path])


def dense_other_table(b):
    path = write.write_dense(b.folder, b.R, b.table)
    b.table.iloc[:-1].to_csv(b.folder / "R.tsv", sep="\t", index=False)
    return open_dense([path])


def dense_rare(b):
    return dense(b, b.R)


def prscs_truncated(b):
    folder = write.write_prscs(b.folder / "in", b.R, b.table)
    cut(folder / "ldblk_1kg_chr22.hdf5", 3000)
    return open_prscs(folder)


def prscs_uneven(b):
    folder = write.write_prscs(b.folder / "in", b.R, b.table)
    with h5py.File(folder / "ldblk_1kg_chr22.hdf5", "a") as stream:
        del stream["blk_1/ldblk"]
        stream["blk_1"]["ldblk"] = b.R[:5, :5]
    return open_prscs(folder)


def prscs_elsewhere(b, how):
    """The matrix is in another file, to which this one leads in one of hdf5's ways."""
    folder = write.write_prscs(b.folder / "in", b.R, b.table)
    secret = b.folder / "secret.hdf5"
    with h5py.File(secret, "w") as stream:
        stream["R"] = b.R
    with h5py.File(folder / "ldblk_1kg_chr22.hdf5", "a") as stream:
        del stream["blk_1/ldblk"]
        group = stream["blk_1"]
        if how == "external link":
            group["ldblk"] = h5py.ExternalLink(str(secret), "/R")
        elif how == "link to a link":
            stream["x"] = h5py.ExternalLink(str(secret), "/R")
            group["ldblk"] = h5py.SoftLink("/x")
        elif how == "virtual":
            layout = h5py.VirtualLayout(b.R.shape, b.R.dtype)
            layout[...] = h5py.VirtualSource(str(secret), "R", b.R.shape)
            group.create_virtual_dataset("ldblk", layout)
        else:
            place = [(str(secret), 0, b.R.nbytes)]
            group.create_dataset("ldblk", b.R.shape, b.R.dtype, external=place)
    return open_prscs(folder)


@pytest.mark.parametrize("how", ["external link", "link to a link", "virtual", "external data"])
def test_hdf5_leads_to_no_other_file_whether_it_is_there_or_not(block, how):
    with pytest.raises(InputError, match="holds its own matrices") as said:
        prscs_elsewhere(block, how)
    (block.folder / "secret.hdf5").unlink()
    with pytest.raises(InputError) as missing:
        open_prscs(block.folder / "in")
    assert str(missing.value) == str(said.value)


@pytest.mark.parametrize("shape", [(10**6, 10**6), (2**40, 2**40), (41, 40)])
def test_a_header_that_promises_more_than_the_file_has_asks_for_no_memory(tmp_path, shape):
    path = tmp_path / "R.npy"
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(
            stream, {"descr": "<f8", "fortran_order": False, "shape": shape}
        )
        stream.write(bytes(800))
    with pytest.raises(InputError, match="its header promises"):
        read_matrix(path, 40)


def prscs_alone(b):
    folder = write.write_prscs(b.folder / "in", b.R, b.table)
    (folder / "snpinfo_1kg_hm3").unlink()
    return open_prscs(folder)


def ldgm_population(b):
    return open_ldgm(write.write_ldgm(b.folder / "in", b.R, b.table), "AFR")


def ldgm_line(b):
    folder = write.write_ldgm(b.folder / "in", b.R, b.table)
    path = next(folder.glob("*.edgelist"))
    lines = path.read_text().splitlines()
    lines[10] = "1,400,0.3"
    path.write_text("\n".join(lines) + "\n")
    return open_ldgm(folder)


def ldgm_indefinite(b):
    folder = write.write_ldgm(b.folder / "in", b.R, b.table)
    path = next(folder.glob("*.edgelist"))
    path.write_text(path.read_text() + "0,1,50\n")
    return open_ldgm(folder)


def pgen_truncated(b):
    prefix = write.write_pgen(b.folder, b.dosages, b.table)
    cut(b.folder / "p.pgen", 200)
    return open_genotypes(pfile=prefix)


def pgen_other_people(b):
    prefix = write.write_pgen(b.folder, b.dosages, b.table)
    cut(b.folder / "p.psam", 8)
    return open_genotypes(pfile=prefix)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (eigen_truncated, r"block1.eigen.bin: has \d+ bytes, but 40 variants and 40 eig"),
        (eigen_of_another_release, "ldm.info: block 1 has 40 variants, but snp.info lists 39"),
        (eigen_header, "block1.eigen.bin: says 39 variants, but snp.info lists 40"),
        (eigen_missing, "block1.eigen.bin: no such file. Download block 1 again"),
        (eigen_nan, "block1.eigen.bin: holds a value that is not a number"),
        (eigen_shifted, "snp.info: row 3 has 'A' as PhysPos, not a whole number"),
        (wrong_folder, "in: holds no snp.info. Give the folder of SBayesRC"),
        (folder_is_file, "npz: is a file. Give the folder of UK Biobank LD"),
        (ukb_of_another_kind, "in: holds no chr"),
        (ukb_pickled, "npz: holds a pickled Python object, which could run code"),
        (ukb_truncated, "npz: cannot be read"),
        (ukb_not_sparse, "npz: is not a scipy sparse matrix"),
        (ukb_nan, "npz: row 13 holds a value that is not a number"),
        (ukb_other_size, r"npz: is \(39, 39\), but its variant table .*gz has 40 rows"),
        (ukb_without_table, "22000001.gz: no such file"),
        (dense_nan, "R.npy: row 5 holds a value that is not a number"),
        (dense_pickled, "R.npy: holds a pickled Python object"),
        (dense_asymmetric, "R.npy: row 3 differs from its column"),
        (dense_covariance, "R.npy: row 1 has 2 on the diagonal, not 1"),
        (dense_alone, "R.npy: there is no variant table R.tsv beside it"),
        (dense_other_table, r"R.npy: is \(40, 40\), but its variant table has 39 rows"),
        (dense_rare, "R.npy: has no allele frequencies. Leave out --maf"),
        (prscs_truncated, "chr22.hdf5: cannot be read"),
        (prscs_uneven, r"chr22.hdf5: blk_1 has 40 variants and a matrix of \(5, 5\)"),
        (prscs_alone, "chr22.hdf5: there is no snpinfo_"),
        (ldgm_population, "in: has no edge lists of AFR, but of EUR"),
        (ldgm_line, "edgelist: line 11 is not i,j,value with indices below 40"),
        (ldgm_indefinite, "edgelist: the precision matrix is not positive definite"),
        (pgen_truncated, "p.pgen: cannot be read"),
        (pgen_other_people, "p.pgen: has 40 variants and 300 people, but .pvar and .psam"),
    ],
)
def test_bad_files_are_named_and_leave_nothing(
    make: Callable, message: str, block: SimpleNamespace, tmp_path: Path
):
    out = tmp_path / "out"
    out.mkdir()
    maf = 0.01 if make is dense_rare else 0.0

    def panel_from_it() -> None:
        source = make(block)
        write_panel(out / "bad.ld.zarr", source.blocks(1.0, maf), {}, source.dropped)

    with pytest.raises(InputError, match=message) as caught:
        panel_from_it()
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path))
    assert list(out.iterdir()) == []


def test_a_matrix_that_is_not_positive_semi_definite_is_clipped_and_said(
    block: SimpleNamespace, panel_of
):
    from deepwas_app.genetics.ld.panel import read_factor

    R = block.R.copy()
    R[0, 1] = R[1, 0] = 0.99
    R[1, 2] = R[2, 1] = -0.99
    values, vectors = np.linalg.eigh(R)
    assert values[0] < -0.1
    panel = panel_of(dense(block, R))
    (note,) = panel.attrs["notes"]
    assert note.startswith("The LD of 1 of 1 blocks was not positive semi-definite")
    assert f"{values[0]:.3g}" in note
    nearest = (vectors * np.maximum(values, 0)) @ vectors.T
    W = read_factor(panel, 0)
    np.testing.assert_allclose(W @ W.T, nearest, atol=5e-6)
