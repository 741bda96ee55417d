"""Where the data that come with the package are."""

from __future__ import annotations

from pathlib import Path

from deepwas_app.errors import InputError


def data_dir() -> Path:
    """Folder of the built-in data: inside an installed package, else of the checkout.

    Raises
    ------
    InputError
        If neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_data", package.parent / "data"):
        if (folder / "height_chr22").is_dir():
            return folder
    raise InputError(
        f"{package / '_data'}: the built-in data are missing. Install the package again."
    )
