"""Limits of what a file may become in memory: a small one must not fill it.

Text that was packed may be `TIMES` times as large, or `TEXT_BYTES`; a parquet file `PARQUET_TIMES`
times, or `BYTES`; beyond that it is refused, with a remedy. Real tables stay far below: summary
statistics are packed to a fifth, annotations of zeros and ones to a fifteenth.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from deepwas_app.errors import InputError

TIMES, PARQUET_TIMES = 25, 100
TEXT_BYTES, BYTES = 30_000_000, 200_000_000
LONGEST_LINE = 2**24
_TAIL = 2**16


class Guarded(io.RawIOBase):
    """The bytes of a text file, unpacked, as long as they may be those of a table.

    Reading raises InputError where a line has more than 16 MB, or the text is too large for what
    it was packed to.
    """

    def __init__(self, path: Path, stream: Any, packed: bool) -> None:
        self._path, self._stream = path, stream
        self._most = max(TIMES * path.stat().st_size, TEXT_BYTES) if packed else None
        self._read = self._line = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes."""
        count: int = self._stream.readinto(buffer) or 0
        data = memoryview(buffer)[:count]
        self._read += count
        if self._most is not None and self._read > self._most:
            raise InputError(
                f"{self._path}: unpacks to more than {self._most / 1e6:,.0f} MB. If that is right, "
                "unpack it and give the text itself, which may have any size."
            )
        # The last end of a line is nearly always among the last bytes.
        for start in (max(count - _TAIL, 0), 0):
            tail = bytes(data[start:])
            end = max(tail.rfind(b"\n"), tail.rfind(b"\r"))
            if end >= 0 or start == 0:
                break
        self._line = count - start - end - 1 if end >= 0 else self._line + count
        if self._line > LONGEST_LINE:
            raise InputError(
                f"{self._path}: has a line of more than {LONGEST_LINE / 1e6:.0f} MB. It is no "
                "table of text."
            )
        return count

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        super().close()


def check_parquet(path: Path, columns: int | None = None) -> None:
    """Refuse a parquet file that would become too large in memory.

    Parameters
    ----------
    path
        The file.
    columns
        How many will be read at once; None: all.

    Raises
    ------
    InputError
        If it would.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        about = file.metadata
        groups = [about.row_group(index) for index in range(about.num_row_groups)]
        width = about.num_columns if columns is None else columns
        size = max(8 * about.num_rows * width, sum(group.total_byte_size for group in groups))
    if size > max(PARQUET_TIMES * path.stat().st_size, BYTES):
        raise InputError(
            f"{path}: has {path.stat().st_size / 1e6:,.1f} MB, and promises {size / 1e6:,.0f} MB. "
            "If that is right, give it as text."
        )
