"""Foreign formats are read in another process: what crashes there is one line here."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.apart import Reader, apart


def write_bigwig(path: Path) -> Path:
    import pybigtools

    spans = (("chr22", 100 * i, 100 * i + 50, i % 7 / 2) for i in range(2000))
    pybigtools.open(str(path), "w").write({"chr22": 300_000}, spans)
    return path


def double(_: Path, values: np.ndarray) -> np.ndarray:
    print("what libraries print is no answer")
    return 2 * values


def refuse(path: Path) -> None:
    raise InputError(f"{path}: is odd. Mend it.")


def fail(path: Path, kind: type[BaseException]) -> None:
    raise kind(f"{path} has\nno end")


def crash(_: Path) -> None:
    os.kill(os.getpid(), signal.SIGABRT)


def read_nowhere(_: Path) -> None:
    ctypes.string_at(0)


def leave(_: Path) -> None:
    os._exit(3)


def number(_: Path) -> int:
    return os.getpid()


FILE = Path("some.bw")


def test_arrays_go_there_and_come_back():
    values = np.random.default_rng(0).standard_normal((300, 700))
    np.testing.assert_array_equal(apart(double, FILE, values), 2 * values)
    assert apart(number, FILE) == apart(number, FILE) != os.getpid()


def test_the_functions_own_words_come_back():
    with pytest.raises(InputError, match=r"is odd\. Mend it\."):
        apart(refuse, FILE)


@pytest.mark.parametrize("kind", [ValueError, BaseException, SystemExit, MemoryError])
def test_any_failure_is_a_line_that_names_the_file(kind):
    with pytest.raises(InputError) as caught:
        apart(fail, FILE, kind)
    assert str(caught.value).startswith("some.bw: cannot be read (the file has no end).")


@pytest.mark.parametrize(
    ("function", "how"), [(crash, "signal 6"), (read_nowhere, "signal 11"), (leave, "status 3")]
)
def test_a_crash_is_a_line_and_the_next_reading_works(function, how):
    with pytest.raises(InputError, match=rf"some\.bw: cannot be read .*crashed, {how}\)"):
        apart(function, FILE)
    assert apart(double, FILE, 2) == 4


def test_threads_wait_for_one_another():
    found: dict[int, np.ndarray] = {}

    def ask(i: int) -> None:
        found[i] = apart(double, FILE, np.full(100_000, i))

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((found[i] == 2 * i).all() for i in range(8))


def test_the_process_ends_with_its_reader():
    reader = Reader()
    process = reader.call(number, FILE)
    assert reader.close() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_script_without_a_main_guard_may_read_and_leaves_no_process(tmp_path: Path):
    path = write_bigwig(tmp_path / "a.bw")
    script = tmp_path / "script.py"
    script.write_text(
        "import os, signal, sys\n"
        "import numpy as np\n"
        "from deepwas_app.genetics.annotation.bigwig import annotate_signal\n"
        "from deepwas_app.genetics.apart import _READER\n"
        f"print(annotate_signal({str(path)!r}, ['22'], np.array([1001]))[0])\n"
        "print(_READER._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    words = subprocess.run([sys.executable, script], capture_output=True, text=True).stdout.split()
    assert float(words[0]) == 10 % 7 / 2
    end = time.monotonic() + 10
    while Path(f"/proc/{words[1]}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path(f"/proc/{words[1]}").exists()
