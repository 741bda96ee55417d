from __future__ import annotations

from pathlib import Path

import numpy as np
import pybigtools
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.tracks import (
    open_tracks,
    read_tracks,
    track_windows,
    write_tracks,
)

LENGTHS = {"chr21": 5000, "chr22": 1150}


@pytest.fixture
def signals() -> dict[str, dict[str, np.ndarray]]:
    """Two tracks, base by base; NaN where the file says nothing."""
    rng = np.random.default_rng(0)
    tracks = {}
    for name, scale in (("atac", 1.0), ("h3k27ac", 300.0)):
        tracks[name] = {
            c: np.where(
                rng.random(length) < 0.7, np.float32(scale * rng.gamma(1, 1, length)), np.nan
            )
            for c, length in LENGTHS.items()
        }
    return tracks


@pytest.fixture
def files(tmp_path: Path, signals) -> list[Path]:
    paths = []
    for name, chromosomes in signals.items():
        paths.append(tmp_path / f"{name}.bw")
        spans = [
            (c, i, i + 1, float(v))
            for c, values in chromosomes.items()
            for i, v in enumerate(values)
            if np.isfinite(v)
        ]
        pybigtools.open(str(paths[-1]), "w").write(LENGTHS, iter(spans))
    return paths


def test_a_window_holds_the_bases_around_a_variant(files, signals):
    position = np.array([1140, 100, 3])
    for window in (8, 9, 256):
        values = track_windows(files, "22", position, window)
        assert values.shape == (3, window, 2)
        assert values.dtype == np.float16
        for row, p in enumerate(position):
            for track, name in enumerate(signals):
                bases = np.arange(p - 1 - window // 2, p - 1 - window // 2 + window)
                inside = (bases >= 0) & (bases < 1150)
                expected = np.zeros(window)
                expected[inside] = np.nan_to_num(signals[name]["chr22"][bases[inside]])
                np.testing.assert_allclose(values[row, :, track], expected, rtol=1e-3)
    assert not track_windows(files, "1", position).any()


@pytest.mark.parametrize("keep", [True, False])
def test_windows_are_standardised_and_streamed_by_block(
    tmp_path: Path, panel: xr.Dataset, files, keep: bool
):
    path = tmp_path / "tiny.tracks.zarr"
    done = list(write_tracks(path, panel, files, window=32, keep=keep))
    assert done == [1, 2, 3]
    tracks = open_tracks(path)
    assert tracks["track"].values.tolist() == ["atac", "h3k27ac"]
    blocks = [read_tracks(tracks, block) for block in range(3)]
    assert [len(b) for b in blocks] == panel["block_variants"].values.tolist()
    whole = np.concatenate(blocks)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole.mean(axis=(0, 1)), 0, atol=1e-4)
    np.testing.assert_allclose(whole.std(axis=(0, 1)), 1, rtol=1e-3)
    start = int(panel["block_offset"].values[1])
    position = panel["variant_position"].values[start : start + len(blocks[1])]
    raw = track_windows(files, "22", position, 32).astype(np.float32)
    again = blocks[1] * tracks["track_sd"].values + tracks["track_mean"].values
    np.testing.assert_allclose(again, raw, rtol=1e-3, atol=1e-2)
    assert (path / "blocks").exists() == keep


def test_bad_tracks_leave_nothing(tmp_path: Path, panel: xr.Dataset, files):
    path = tmp_path / "out" / "bad.tracks.zarr"
    bad = tmp_path / "bad.bw"
    bad.write_bytes(b"<html></html>")
    other = tmp_path / "other"
    other.mkdir()
    same = files[0].rename(other / "h3k27ac.bw")
    for given, words in (
        ([bad], "bad.bw: is no bigWig"),
        ([tmp_path / "gone.bw"], "gone.bw: no such file"),
        ([], "no file was given"),
        ([files[1], same], "two files are called h3k27ac"),
    ):
        with pytest.raises(InputError, match=words):
            list(write_tracks(path, panel, given))
    assert not path.parent.exists()
