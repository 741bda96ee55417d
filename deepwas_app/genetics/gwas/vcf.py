"""GWAS-VCF: one row per variant, the statistics packed in one field of one sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import UNREADABLE, read_header, unreadable
from deepwas_app.genetics.tables import LEVELS, MISSING, NUMBER, TEXT, read_columns

_FIXED = ("id", "chromosome", "position", "effect_allele", "other_allele")


def read_gwas_vcf(path: Path, roles: dict[str, str]) -> pa.Table:
    """Read a GWAS-VCF.

    Parameters
    ----------
    path : Path
        Plain or packed.
    roles : dict
        Role to column or FORMAT key.

    Returns
    -------
    pyarrow.Table
        One column per role that the file has.

    Raises
    ------
    InputError
        If the file cannot be read or holds several studies.
    """
    header = read_header(path)
    if len(header) != 10:
        raise InputError(f"{path}: holds {len(header) - 9} studies. Split it, one study to a file.")
    sample = header[9]
    fixed = {role: roles[role] for role in _FIXED if role in roles}
    kinds = {"id": TEXT, "position": NUMBER}
    columns = {column: kinds.get(role, LEVELS) for role, column in fixed.items()}
    table = read_columns(path, columns | {"FORMAT": LEVELS, sample: TEXT})
    keys = _split(path, table["FORMAT"], table[sample])
    data = {role: table[column] for role, column in fixed.items()}
    packed = {"frequency", "beta", "se", "statistic", "neg_log10_p", "n", "cases"}
    for role in packed & {*roles}:
        if roles[role] in keys:
            data[role] = pa.array(keys[roles[role]], from_pandas=True)
    return pa.table(data)


def _split(path: Path, formats: pa.ChunkedArray, values: pa.ChunkedArray) -> dict[str, np.ndarray]:
    """Numbers of each FORMAT key, NaN where a row has none."""
    layout = formats.combine_chunks()
    layout = layout.chunk(0) if isinstance(layout, pa.ChunkedArray) else layout
    codes = layout.indices.fill_null(-1).to_numpy()
    numbers: dict[str, np.ndarray] = {}
    for code, format in enumerate(layout.dictionary.to_pylist()):
        rows = np.flatnonzero(codes == code)
        if not len(rows):
            continue
        keys = format.split(":")
        text = values if len(rows) == len(codes) else values.take(pa.array(rows))
        for key, column in _fields(path, keys, text).items():
            whole = numbers.setdefault(key, np.full(len(codes), np.nan))
            whole[rows] = column.to_numpy()
    return numbers


def _fields(path: Path, keys: list[str], text: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
    """Split ``a:b:c`` at the colons: the column is itself a table without a header."""
    # Missing fields at the end may be left out, and "." stands for all of them.
    text = pc.fill_null(text.cast(pa.large_string()), "")
    lacking = pc.subtract(len(keys) - 1, pc.count_substring(text, ":"))
    if pc.max(lacking).as_py():
        colons = pa.array([":" * count for count in range(len(keys))], pa.large_string())
        text = _joined(text, colons.take(pc.max_element_wise(lacking, 0).combine_chunks()), "")
    lines = _joined(text, pa.scalar("", pa.large_string()), "\n").combine_chunks()
    lines = lines.chunk(0) if isinstance(lines, pa.ChunkedArray) else lines
    wanted = [key for key in keys if key not in ("ID", "SI")]
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(lines.buffers()[2]),
            pyarrow.csv.ReadOptions(column_names=keys),
            # A quote is a letter: it would hold the lines that come after it.
            pyarrow.csv.ParseOptions(delimiter=":", quote_char=False),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, NUMBER),
                include_columns=wanted,
                null_values=MISSING,
            ),
        )
    except (*UNREADABLE, pa.ArrowInvalid) as error:
        raise unreadable(path, error) from error
    return dict(zip(table.column_names, table.columns, strict=True))


def _joined(first: Any, second: Any, between: str) -> Any:
    return pc.binary_join_element_wise(first, second, pa.scalar(between, pa.large_string()))
