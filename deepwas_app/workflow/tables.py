"""Tables and records as text: the same bytes from page and command, written whole or not at all."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from deepwas_app.errors import InputError


def tab_separated(table: pd.DataFrame, formats: dict[str, str] | None = None) -> str:
    """A table as tab-separated text with a header, missing values as NA.

    Parameters
    ----------
    table
        What to write.
    formats
        Column to a format such as ``".4e"``, for the columns of numbers that need one.
    """
    table = table.copy()
    for name, spec in (formats or {}).items():
        table[name] = [f"{v:{spec}}" if np.isfinite(v) else "NA" for v in table[name].to_numpy()]
    return table.to_csv(sep="\t", index=False, na_rep="NA")


def json_text(value: Any, indent: int | None = None) -> str:
    """A value as JSON, null for numbers that are not finite: NaN is no JSON."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not np.isfinite(value) else value


def p_values(z: np.ndarray) -> list[str]:
    """Two-sided P of z-scores as text: also those that no float can hold, such as 1.2340e-420."""
    with np.errstate(invalid="ignore"):
        log10 = (norm.logsf(np.abs(np.asarray(z, np.float64))) + np.log(2)) / np.log(10)
    out = []
    for value in log10:
        if not np.isfinite(value):
            out.append("NA")
        elif value > -300:
            out.append(f"{10**value:.4e}")
        else:
            exponent = int(np.floor(value))
            out.append(f"{10 ** (value - exponent):.4f}e{exponent}")
    return out


def write_text(text: str, output: str | Path) -> None:
    """Write to a file that appears whole or not at all; - is standard output.

    Pipes and devices, such as /dev/null, are written to as they are.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    if str(output) == "-":
        sys.stdout.write(text)
        return
    path = Path(output).expanduser()
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: no such folder. Make it first.")
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        if path.exists() and not path.is_file():
            path.write_text(text)
            return
        partial.write_text(text)
        os.replace(partial, path)
    except OSError as problem:
        raise InputError(
            f"{path}: cannot be written ({problem.strerror}). Choose another file."
        ) from None
    finally:
        partial.unlink(missing_ok=True)
