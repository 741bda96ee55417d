from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.genotypes.plink import read_dosages, read_genotypes


def test_variant_table_and_dosages_are_what_was_written(world: SimpleNamespace):
    genotypes = read_genotypes(world.prefix)
    assert genotypes.attrs["sample_size"] == 60
    assert genotypes.attrs["path"] == str(world.prefix)
    np.testing.assert_array_equal(genotypes["variant_effect_allele"], world.alleles[:, 0])
    np.testing.assert_array_equal(genotypes["variant_other_allele"], world.alleles[:, 1])
    assert set(genotypes["variant_chromosome"].values) == {"21", "22"}
    rows = np.array([7, 5, 0, 29])
    np.testing.assert_array_equal(read_dosages(world.prefix, rows), world.dosages[:, rows])


def test_the_name_of_the_bed_serves_as_prefix(world: SimpleNamespace):
    assert read_genotypes(f"{world.prefix}.bed").identical(read_genotypes(world.prefix))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda w: (w.folder / "tiny.bed").unlink(), "tiny.bed: no such file"),
        (lambda w: (w.folder / "tiny.fam").unlink(), "tiny.fam: no such file"),
        (lambda w: _cut(w.folder / "tiny.bed"), "tiny.bed: has .* need"),
        (lambda w: _cut(w.folder / "tiny.bim"), "tiny.bed: has .* need|tiny.bim: line"),
        (lambda w: (w.folder / "tiny.bed").write_bytes(b"PK\x03\x04"), "is no PLINK 1"),
        (lambda w: (w.folder / "tiny.bim").write_text("<html>\n"), "tiny.bim: is a web page"),
    ],
)
def test_damaged_genotypes_are_named(world: SimpleNamespace, damage, words: str):
    damage(world)
    with pytest.raises(InputError, match=words) as caught:
        read_genotypes(world.prefix)
    assert "\n" not in str(caught.value)


def _cut(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
