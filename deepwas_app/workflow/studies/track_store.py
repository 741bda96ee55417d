"""Track windows of a study, written beside it."""

from collections.abc import Generator
from pathlib import Path

from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.bigwig import open_bigwig
from deepwas_app.genetics.annotation.sources import expand
from deepwas_app.genetics.annotation.tracks import open_tracks, write_tracks
from deepwas_app.genetics.patterns import CHROMOSOME
from deepwas_app.genetics.store import open_study_store
from deepwas_app.genetics.writing import remove_folder
from deepwas_app.workflow.progress import Progress, job


def tracks_path(study: str | Path) -> Path:
    """Where the tracks of a study are: NAME.tracks.zarr beside NAME.study.zarr."""
    study = Path(study)
    return study.with_name(study.name.removesuffix(".study.zarr") + ".tracks.zarr")


def check_tracks(files: list[str]) -> None:
    """Open each bigWig once, so that a bad one is told before the study is built."""
    if apart := [file for file in files if CHROMOSOME in file]:
        raise InputError(
            f"{apart[0]}: a track is one bigWig file of all chromosomes. Join them (bigWigMerge)."
        )
    for source in expand(files, []) if files else []:
        open_bigwig(source.path)


def drop_stale_tracks(study: Path) -> None:
    """Remove the tracks of an older study of this name, unless they fit the one that is there."""
    path = tracks_path(study)
    if not path.exists():
        return
    tracks, now = open_tracks(path), open_study_store(study)
    if tracks.attrs["content_hash"] != now.attrs["content_hash"]:
        remove_folder(path)


@job
def build_tracks(study: Path, files: list[str], window: int) -> Generator[Progress, None, Path]:
    """Write the track windows of a study that is on disk.

    Returns
    -------
    Path of the track store.

    Yields
    ------
    Progress
    """
    path = tracks_path(study)
    variants = open_study_store(study)
    paths = [source.path for source in expand(files, [])]
    count = variants.sizes["blocks"]
    for done in write_tracks(path, variants, paths, window=window):
        yield Progress(done / count, f"tracks of LD block {done} of {count}")
    return path
