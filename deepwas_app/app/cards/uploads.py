"""Inputs of a form that are uploaded, or are on the server already."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui

from deepwas_app.app.state import AppState
from deepwas_app.app.upload_folder import SMALLER, UploadFolder, upload_limit
from deepwas_app.errors import InputError

WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (6, 0)}


def items(text: str) -> list[str]:
    """What was typed with commas in between."""
    return [item.strip() for item in text.split(",") if item.strip()]


class Chooser(pmui.FileInput):
    """Takes files from a browser, and no more bytes of them than one visitor may upload."""

    def _process_chunk(self, msg: dict[str, Any]) -> None:
        held = sum(len(c) for file in self._file_buffer.values() for c in file["chunks"].values())
        held += sum(len(file["value"]) for file in self._buffer)
        if held + len(msg["data"]) > upload_limit() * 1e6:
            self._file_buffer.clear()
            self._buffer.clear()
            raise InputError(f"upload: is more than {upload_limit():,.0f} MB. {SMALLER}")
        super()._process_chunk(msg)


def save_upload(folder: UploadFolder, chooser: pmui.FileInput) -> list[Path]:
    """Write uploaded files into a folder and empty the chooser, so that no session keeps them."""
    if not chooser.value:
        return []
    values, names = chooser.value, chooser.filename
    if not isinstance(values, list):
        values, names = [values], [names]
    paths = folder.write(list(zip(names, values, strict=True)))
    chooser.clear()
    return paths


def check_genotypes(names: Iterable[str]) -> None:
    """Refuse files that are not a .bed, a .bim and a .fam file.

    Raises
    ------
    InputError
        If one of the three is missing.
    """
    endings = [Path(name).suffix for name in names]
    missing = [ending for ending in (".bed", ".bim", ".fam") if ending not in endings]
    if missing:
        raise InputError(
            f"Genotypes: no {' and no '.join(missing)} file. Choose .bed, .bim and .fam together."
        )


def genotype_prefix(paths: list[Path]) -> str:
    """The common prefix that saved .bed, .bim and .fam files are given."""
    endings = {path.suffix: path for path in paths}
    stem = endings[".bed"].with_suffix("")
    for ending in (".bim", ".fam"):
        endings[ending].rename(stem.with_suffix(ending))
    return str(stem)


class Source(pn.viewable.Viewer):
    """One input: a file to upload, or a path on the server that this session may name."""

    def __init__(
        self,
        label: str,
        help_text: str,
        state: AppState,
        many: bool = False,
        several: bool = False,
    ) -> None:
        super().__init__()
        self._uploads, self._places = state.uploads, state.places
        self._label, self._several = label, several
        self.saved: list[Path] = []
        """Folders of what was uploaded, since the last study was built."""
        self.path = pmui.TextInput(
            label=f"{label}: path on the server",
            placeholder="several, separated by commas" if several else "",
            description=help_text,
            size="small",
            **WIDE,
        )
        name = label if label.startswith("LD") else label.lower()
        self.chooser = Chooser(
            label=f"Upload {name} (up to {upload_limit():,.0f} MB)",
            max_total_file_size=max(int(upload_limit() * 1e6), 1),
            multiple=many,
            size="small",
            variant="outlined",
            margin=(2, 0, 10, 0),
        )

    @property
    def names(self) -> list[str]:
        """Names of the files that are uploaded and not yet saved."""
        names = self.chooser.filename if self.chooser.value else []
        return names if isinstance(names, list) else [names]

    @property
    def upload(self) -> tuple[str, bytes | None]:
        """Name and content of the first file that is uploaded and not yet saved."""
        names, values = self.names, self.chooser.value
        return (
            (names[0], values[0] if isinstance(values, list) else values) if names else ("", None)
        )

    def check(self) -> None:
        """Refuse to go on without a file.

        Raises
        ------
        InputError
            If nothing is uploaded and no path is given.
        """
        if not self.names and not self.path.value.strip():
            raise InputError(f"{self._label}: no file. Upload one or give its path on the server.")

    def named(self) -> list[str]:
        """The paths that are given.

        Raises
        ------
        InputError
            If this session may not name one of them.
        """
        typed = self.path.value.strip()
        return [self._places.admit(path) for path in (items(typed) if self._several else [typed])]

    def save(self, naming: Callable[[list[Path]], str] = lambda paths: str(paths[0])) -> None:
        """Save what was uploaded, and put it in place of the path, or after it where several go.

        From then on it is a path like any other, and is still there when the form is sent again.
        """
        paths = save_upload(self._uploads, self.chooser)
        if not paths:
            return
        self.saved.append(paths[0].parent)
        if self._several:
            self.path.value = ", ".join([*items(self.path.value), *map(str, paths)])
        else:
            self.path.value = naming(paths)

    def forget(self) -> None:
        """Leave out the paths of uploads, which are gone when a study was built from them."""
        if not self.saved:
            return
        kept = [item for item in items(self.path.value) if Path(item).parent not in self.saved]
        self.path.value, self.saved = ", ".join(kept), []

    def __panel__(self) -> pmui.Column:
        return pmui.Column(self.path, self.chooser, sizing_mode="stretch_width")
