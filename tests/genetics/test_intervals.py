from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from deepwas_app.errors import InputError
from deepwas_app.genetics.excluded import excluded, read_regions
from deepwas_app.genetics.intervals import cover, read_bed

BED = "track name=x\nchr1\t10\t20\ta\t3\nchr1\t15\t30\tb\t5\n#chr1\t0\t99\tc\t9\nchrX\t0\t1\td\t1\n"


def test_a_bed_counts_from_0_and_a_variant_from_1(tmp_path: Path):
    path = tmp_path / "a.bed.gz"
    path.write_bytes(gzip.compress(BED.encode()))
    bed = read_bed(path)
    assert bed["chromosome"].tolist() == ["1", "1", "X"]
    chromosome = np.array(["1"] * 6 + ["X", "X", "2"])
    position = np.array([10, 11, 16, 20, 21, 31, 1, 2, 15])
    count, mean = cover(chromosome, position, bed)
    assert count.tolist() == [0, 1, 2, 2, 1, 0, 1, 0, 0]
    np.testing.assert_array_equal(mean, [np.nan, 3, 4, 4, 5, np.nan, 1, np.nan, np.nan])


@pytest.mark.parametrize(
    "text",
    [
        "22\t2e+07\t2.3e+07\ta\t1\n22\t30\t40\tb\t2\n",
        "#Chr\tstart\tstop\tn\ts\r\n22\t20000000\t23000000\ta\t1\r\n22\t30\t40\tb\t2\r\n",
        "track name=a\n22\t20000000\t23000000\ta#1\t1\ntrack name=b\n22\t30\t40\tb#\t2\n",
        "chrom start stop name value\nchr22 20000000 2.3e7 a 1\n\n# b\nNC_000022.10 30 40 b 2",
        '22\t20000000\t23000000\t"a\t1\n22\t30\t40\tb"\t2\n',
    ],
)
def test_the_same_intervals_however_they_are_written(tmp_path: Path, text: str):
    path = tmp_path / "a.bed"
    path.write_text(text, newline="")
    bed = read_bed(path)
    assert bed.to_numpy().tolist() == [["22", 20_000_000, 23_000_000, 1], ["22", 30, 40, 2]]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8), st.integers(-3, 3)), min_size=1))
def test_cover_is_what_counting_gives(spans):
    start, length, value = (np.array(column) for column in zip(*spans, strict=True))
    bed = pd.DataFrame(
        {"chromosome": "1", "start": start, "stop": start + length, "value": value.astype(float)}
    )
    position = np.arange(1, 45)
    inside = (position[:, None] - 1 >= start) & (position[:, None] - 1 < start + length)
    count, mean = cover(np.full(44, "1"), position, bed)
    np.testing.assert_array_equal(count, inside.sum(axis=1))
    expected = (inside * value).sum(axis=1)
    np.testing.assert_allclose(np.nan_to_num(mean) * count, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("track x\n", "holds no intervals"),
        ("chr1\t10\t20\nchr1\t30\t30\n", "line 2 .30 to 30. is empty.*counts from 0"),
        ("chrom\tstart\tstop\nchr1\t10\t9\n", "line 2 .10 to 9. is empty"),
        ("chr1\t10\t20\nchr1\tx\t30\n", "line 2 is not chromosome, start, stop"),
        ("chr1\t10\t20\nchr1\t-5\t30\n", "line 2 is not chromosome"),
        ("track x\nchr1\t10\t20\ntrack y\n\nchr1\t5\t1.5\n", "line 5 is not chromosome"),
        ("chr1\t10\t20\tp1\t1\nchr1 10 20 p2 1\n", "line 2 has 1 fields"),
    ],
)
def test_bad_bed_files_are_named(tmp_path: Path, text: str, words: str):
    path = tmp_path / "a.bed"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_bed(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def variants(*places: tuple[str, int]) -> xr.Dataset:
    chromosome, position = zip(*places, strict=True)
    return xr.Dataset(
        {
            "variant_chromosome": ("variants", np.array(chromosome)),
            "variant_position": ("variants", np.array(position, dtype=np.int32)),
        }
    )


@pytest.mark.parametrize(
    ("build", "lactase", "inversion"),
    [("hg19", 136_608_646, 46_500_000), ("hg38", 135_851_076, 46_500_000)],
)
def test_named_regions_hold_what_they_are_known_for(build: str, lactase: int, inversion: int):
    places = variants(("6", 31_000_000), ("2", lactase), ("8", 10_000_000), ("1", 1_000_000))
    assert excluded(places, read_regions(["mhc"], build)).tolist() == [True, False, False, False]
    long_range = read_regions(["long-range"], build)
    assert excluded(places, long_range).tolist() == [True, True, True, False]
    assert len(long_range) == 24
    assert (long_range["stop"] - long_range["start"]).between(2e6, 20e6).all()


def test_regions_may_be_ones_own(tmp_path: Path):
    path = tmp_path / "own.bed"
    path.write_text("chr1\t999999\t1000000\n")
    places = variants(("6", 31_000_000), ("1", 1_000_000), ("1", 1_000_001))
    regions = read_regions(["mhc", str(path)], "hg19")
    assert excluded(places, regions).tolist() == [True, True, False]
    with pytest.raises(InputError, match="mhc: not known on hg18"):
        read_regions(["mhc"], "hg18")
    with pytest.raises(InputError, match="lrld: no such file"):
        read_regions(["lrld"], "hg19")
