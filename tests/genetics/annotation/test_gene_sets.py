"""Annotations from gene sets."""

import numpy as np
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.annotations import join_annotations
from deepwas_app.genetics.genes import read_genes


@pytest.fixture
def gene():
    genes = read_genes("hg19")
    return genes[genes["name"] == "MYH9"].iloc[0]


@pytest.fixture
def variants(gene) -> xr.Dataset:
    """In MYH9, 99 kb after it, 101 kb after it, and on another chromosome."""
    stop = int(gene["stop"])
    position = np.array([stop, stop + 99_000, stop + 101_000, stop])
    return xr.Dataset(
        {
            "variant_id": ("variants", np.array(["a", "b", "c", "d"])),
            "variant_chromosome": ("variants", np.array(["22", "22", "22", "3"])),
            "variant_position": ("variants", position.astype(np.int32)),
        }
    )


def test_variants_near_a_gene_of_the_set(variants, tmp_path):
    file = tmp_path / "sets.gmt"
    file.write_text("Myosins\thttp://x\tMYH9\tNOGENE1\nNothing\tnone\tNOGENE2\n")
    joined = join_annotations(variants, file, "hg19")
    assert joined.names == ["Myosins"]
    assert joined.kinds == ["binary"]
    np.testing.assert_array_equal(joined.values[:, 0], [1, 1, 0, 0])
    near = join_annotations(variants, f"{file}#0", "hg19")
    np.testing.assert_array_equal(near.values[:, 0], [1, 0, 0, 0])


@pytest.mark.parametrize(
    ("text", "choice", "message"),
    [
        ("Myosins\thttp://x\n", "", "sets.gmt: row 1 has no gene"),
        ("Myosins\thttp://x\tENSG00000100345\n", "", "sets.gmt: none of its genes is in"),
        ("A\tx\tMYH9\nA\tx\tAPOL1\n", "", "row 2 has the set A again"),
        ("Myosins\thttp://x\tMYH9\n", "#wide", "sets.gmt#wide: give the window"),
    ],
)
def test_bad_sets_are_one_line(text, choice, message, variants, tmp_path):
    (tmp_path / "sets.gmt").write_text(text)
    with pytest.raises(InputError, match=message):
        join_annotations(variants, f"{tmp_path / 'sets.gmt'}{choice}", "hg19")


def test_genes_that_are_not_known_are_said(variants, tmp_path):
    file = tmp_path / "sets.gmt"
    ensembl = "\t".join(f"ENSG0000010000{i}.{i}" for i in range(5))
    file.write_text(
        f"Half\tx\tMYH9\t{ensembl}\nDates\tx\tMYH9\t5-Sep\tMar-01\nWhole\tx\tMYH9\tAPOL1\n"
        "Old\tx\tNOSUCH\n"
    )
    notes = join_annotations(variants, file, "hg19").notes
    assert notes[0] == "Old: 0 of its 1 genes are known protein-coding genes; not NOSUCH."
    assert "Half: 1 of its 6 genes" in notes[1]
    assert "5 are Ensembl identifiers, not symbols" in notes[1]
    assert "Dates: 1 of its 3 genes" in notes[2]
    assert "5-Sep, Mar-01 (2 are dates that a spreadsheet made of symbols)" in notes[2]
    assert not any(note.startswith("Whole: 2 of") for note in notes)


def test_genes_of_mice_are_not_taken_for_those_of_people(variants, tmp_path):
    file = tmp_path / "sets.gmt"
    file.write_text("Mice\ta line\u2028of two\tMyh9\tApol1\nPeople\tx\tMYH9\n", encoding="utf-8")
    joined = join_annotations(variants, file, "hg19")
    assert joined.names == ["People"]
    assert "not Apol1, Myh9 (2 are symbols in other letters, as genes of mice" in joined.notes[0]


def test_many_sets_with_unknown_genes_are_counted(variants, tmp_path):
    file = tmp_path / "sets.gmt"
    file.write_text("".join(f"S{i}\tx\tMYH9\tNOSUCH{i}\n" for i in range(25)))
    notes = join_annotations(variants, file, "hg19").notes
    assert sum("known protein-coding" in note for note in notes) == 10
    assert any("15 further sets" in note for note in notes)
