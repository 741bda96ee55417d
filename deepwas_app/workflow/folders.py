"""Where the software keeps what nobody named a place for."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """Built-in studies and compiled programs: $DEEPWAS_CACHE, else ~/.cache/deepwas."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("DEEPWAS_CACHE") or base / "deepwas")
