"""One spelling of chromosomes, whatever files have."""

import numpy as np
import pytest

from deepwas_app.genetics.chromosomes import build_of, normalise, placed, rows_of_each


@pytest.mark.parametrize(
    ("spellings", "name"),
    [
        (["chr22", "22", "22.0", "CHR22", "chrom22", "Chromosome 22", "chr_22", "022"], "22"),
        (["NC_000022.10", "NC_000022.11", "nc_000022"], "22"),
        (["X", "chrX", "23", "25", "XY", "PAR1", "PAR2", "PAR", "X_nonPAR", "NC_000023.11"], "X"),
        (["Y", "24", "NC_000024.9"], "Y"),
        (["M", "MT", "chrM", "26", "NC_012920.1"], "MT"),
        (["0", "00", "chr0"], "0"),
        (["GL000192.1"], "GL000192.1"),
    ],
)
def test_spellings(spellings: list[str], name: str):
    assert normalise(spellings).tolist() == [name] * len(spellings)


def test_accessions_tell_the_build():
    assert build_of(["NC_000022.10", "NC_000007.13", "MT"]) == "hg19"
    assert build_of(["NC_000022.11"]) == "hg38"
    assert build_of(["NC_000022.10", "NC_000001.11"]) == ""
    assert build_of(["22", "NC_000022"]) == ""


def test_chromosome_0_is_no_place():
    assert placed(normalise(["0", "1", "1", "1", "NA"]), [5, 5, 0, -7, 5]).tolist() == [
        *(False, True, False, False, False)
    ]


def test_rows_of_each_chromosome_lie_anywhere():
    names = np.array(["2", "2", "1", "1", "2", "X"])
    for spelled in (names, names.astype(object), names[:0]):
        found = {name: rows.tolist() for name, rows in rows_of_each(spelled).items()}
        assert found == ({"2": [0, 1, 4], "1": [2, 3], "X": [5]} if len(spelled) else {})
