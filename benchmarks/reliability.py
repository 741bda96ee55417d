"""What is lost when commands are killed, disks are full, and bits flip: counted, one row a case.

    python benchmarks/reliability.py --kills 30

Writes its section of benchmarks/reliability.md. Commands run in processes that are forked from one
that has imported everything, so that kills come while they work and not while they import.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

HEADING = "## Files (`reliability.py`)"
PAGE = Path(__file__).with_name("reliability.md")
DATA = Path(__file__).parents[1] / "data" / "height_chr22"
KEPT = Path(tempfile.gettempdir()) / "deepwas-differs"
CONTEXT = get_context("forkserver")
COMMANDS = {
    "ld": ["ld", "--bfile", str(DATA / "genotypes"), "--blocks", "{inputs}/blocks.bed"],
    "study": ["study", "--sumstats", str(DATA / "height.fastGWA.gz"), "--ld", "{inputs}/h.ld.zarr"],
    "train": ["train", "{inputs}/s.study.zarr", "--prior", "mlp", "--width", "8", "--epochs", "5"],
    "scaling": [
        *["scaling", "{inputs}/s.study.zarr", "--sizes", "linear,4x1", "--epochs", "2"],
        *["--objectives", "likelihood", "--seeds", "1"],
    ],
}
OUTPUT = {"ld": "h.ld.zarr", "study": "h.study.zarr", "train": "m.run", "scaling": "sweep"}


def command(words: list[str], errors: str) -> None:
    """In a process of its own: a command, and a file for what it says on standard error."""
    from deepwas_app.cli import main

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    os._exit(main(words))


def run(words: list[str], seconds: float | None = None, errors: str = os.devnull) -> int:
    """Exit status of a command, which is killed after so many seconds."""
    process = CONTEXT.Process(target=command, args=(words, errors))
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode or 0


def words_of(name: str, inputs: Path, folder: Path) -> list[str]:
    words = [word.format(inputs=inputs) for word in COMMANDS[name]]
    resume = ["--resume"] if name == "train" and (folder / OUTPUT[name]).exists() else []
    return [*words, *resume, "-o", str(folder / OUTPUT[name])]


def content(folder: Path) -> dict[str, Any]:
    """All bytes of all files, but for times, and the folder that a command was told to write to."""
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data: Any = path.read_bytes()
        if path.name == "run.json":
            data = json.loads(data)
            data["summary"].pop("seconds", None)
        if path.name.endswith(".provenance.json"):
            data = json.loads(data)
            data.pop("command")
        # A log tells of every start.
        if path.name != ".checksums" and path.suffix != ".log":
            files[str(path.relative_to(folder))] = data
    return files


def verified(path: Path) -> bool:
    """Whether all of a store or run is sound; asked in a process of its own."""
    return run(["info", str(path), "--verify"]) == 0


def kills(name: str, inputs: Path, work: Path, number: int, rng: Any) -> tuple[str, str]:
    """Kill a command at random moments; then run it again to its end."""
    whole = work / "whole"
    whole.mkdir()
    run(words_of(name, inputs, whole))  # Compiles, too.
    shutil.rmtree(whole)
    whole.mkdir()
    began = time.monotonic()
    assert run(words_of(name, inputs, whole)) == 0
    lasts, expected = time.monotonic() - began, content(whole)
    equal = sound = killed = 0
    for trial in range(number):
        folder = work / f"{name}-{trial}"
        # Every other store replaces one that is there.
        old = name in ("ld", "study") and trial % 2 == 1
        shutil.copytree(whole, folder) if old else folder.mkdir()
        seconds = rng.uniform(0, lasts)
        killed += run(words_of(name, inputs, folder), seconds) == -signal.SIGKILL
        sound += not old or verified(folder / OUTPUT[name])
        done = run(words_of(name, inputs, folder))
        if done or (found := content(folder)) != expected:
            shutil.copytree(work, KEPT / f"{name}-{trial}", ignore=lambda at, names: {"cache"})
            names = {} if done else {*found, *expected}
            odd = [name for name in names if found.get(name) != expected.get(name)]
            print(f"{folder}, kept in {KEPT}: killed after {seconds:.2f} s, status {done}, {odd}")
        else:
            equal += 1
        shutil.rmtree(folder)
    shutil.rmtree(whole)
    return (
        f"`{name}` killed (SIGKILL) at a random moment of its {lasts:.1f} s, then run again",
        f"{equal} of {number} as if never killed, byte for byte, nothing else left in the folder; "
        f"{killed} kills came before the end"
        + (f"; the store that was there sound after all {number // 2}" * (sound == number))
        * (name in ("ld", "study")),
    )


def flips(inputs: Path, number: int, rng: Any) -> tuple[str, str]:
    """Flip bits in arrays of LD blocks of a study, and read them."""
    from deepwas_app.errors import InputError
    from deepwas_app.genetics.store import open_study_store, read_block

    study = open_study_store(inputs / "s.study.zarr")
    noticed = usable = 0
    for _ in range(number):
        block, other = rng.choice(study.sizes["blocks"], 2, replace=False)
        files = sorted((inputs / f"s.study.zarr/blocks/{block}").glob("*/[0-9]*"))
        file = files[rng.integers(len(files))]
        before = file.read_bytes()
        bits = np.frombuffer(before, np.uint8).copy()
        bits[rng.integers(len(bits))] ^= 1 << rng.integers(8)
        file.write_bytes(bits.tobytes())
        try:
            read_block(study, int(block))
        except InputError as problem:
            noticed += f"LD block {block} is damaged" in str(problem)
        usable += np.isfinite(read_block(study, int(other))["Q"].values).all()
        file.write_bytes(before)
    return (
        "one bit flipped in an array of an LD block",
        f"{noticed} of {number} noticed and named; another block usable in {usable}",
    )


def deleted(inputs: Path, work: Path) -> tuple[str, str]:
    """Delete, then cut, each file of a run."""
    folder = work / "deleted"
    folder.mkdir()
    run(words_of("train", inputs, folder))
    path = folder / OUTPUT["train"]
    noticed = tried = 0
    for file in sorted(path.iterdir()):
        if file.name == ".checksums":
            continue
        whole = file.read_bytes()
        for change in (file.unlink, lambda f=file, w=whole: f.write_bytes(w[: len(w) // 2])):
            change()
            noticed += not verified(path)
            tried += 1
            file.write_bytes(whole)
    return "a file of a run deleted, or cut in half", f"{noticed} of {tried} noticed"


def on_disk(size: str, options: list[str], use: Callable[[Path], Any]) -> Any:
    """Call with a folder on a disk of its own; None where none may be mounted."""
    with tempfile.TemporaryDirectory() as name:
        mount = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *options]), "tmpfs", name]
        if subprocess.run(mount, check=False, capture_output=True).returncode:
            return None
        try:
            return use(Path(name))
        finally:
            subprocess.run(["umount", name], check=True)


def line_of(words: list[str], inputs: Path) -> tuple[int, list[str]]:
    """Exit status of a command, and the lines that it says on standard error."""
    said = inputs / "said"
    status = run(words, errors=str(said))
    return status, said.read_text().strip().splitlines() or [""]


def refusals(inputs: Path) -> list[tuple[str, str]]:
    """Disk full, and read-only: one line, status 1, nothing left, and the next start goes on."""
    rows = []
    for name in COMMANDS:

        def full(folder: Path, name: str = name) -> str:
            filler = folder / "filler"
            filler.write_bytes(b"0" * (2**20 - 2**14))
            status, lines = line_of(words_of(name, inputs, folder), inputs)
            left = sorted(path.name for path in folder.iterdir() if path != filler)
            filler.unlink()
            subprocess.run(["mount", "-o", "remount,size=500m", folder], check=True)
            again = run(words_of(name, inputs, folder))
            count = "one line" if len(lines) == 1 else f"{len(lines)} lines"
            return (
                f"status {status}, {count}: `{lines[-1].replace(str(folder), '')}`; left: "
                f"{', '.join(left) or 'nothing'}; with room again: status {again}"
            )

        rows.append((f"`{name}` on a full disk", on_disk("1m", [], full)))

        def closed(folder: Path, name: str = name) -> str:
            status, lines = line_of(words_of(name, inputs, folder), inputs)
            return f"status {status}: `{lines[-1].replace(str(folder), '')}`"

        rows.append((f"`{name}` on a read-only disk", on_disk("9m", ["ro"], closed)))
    return [(tried, found or "not tried: nothing may be mounted here") for tried, found in rows]


def write(rows: list[tuple[str, str]], told: str) -> None:
    """Replace this script's section of the page."""
    table = "\n".join(f"| {tried} | {found} |" for tried, found in rows)
    section = f"{HEADING}\n\n{told}\n\n| tried | what happened |\n|---|---|\n{table}\n"
    page = PAGE.read_text() if PAGE.exists() else "# Reliability\n"
    others = re.sub(rf"{re.escape(HEADING)}\n.*?(?=\n## |\Z)", "", page, flags=re.S).rstrip()
    PAGE.write_text(f"{others}\n\n{section}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30, help="of each command")
    parser.add_argument("--flips", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", help="kill these alone, and print what happened")
    settings = parser.parse_args()
    CONTEXT.set_forkserver_preload(
        [
            *["deepwas_app.workflow.runs.sweep", "deepwas_app.workflow.studies.build"],
            *["deepwas_app.workflow.info", "deepwas_app.cli.flags"],
        ]
    )
    rng = np.random.default_rng(settings.seed)
    with tempfile.TemporaryDirectory() as name:
        work, inputs = Path(name), Path(name) / "inputs"
        inputs.mkdir()
        os.environ["DEEPWAS_CACHE"] = str(work / "cache")
        simulate = ["simulate", "--variants", "6000", "--chromosomes", "20", "--people", "200"]
        assert run([*simulate, "-o", f"{inputs}/s.study.zarr"]) == 0
        blocks = (DATA / "blocks.bed").read_text().splitlines(keepends=True)
        (inputs / "blocks.bed").write_text("".join(blocks[:4]))
        assert run(words_of("ld", inputs, inputs)) == 0
        rows = []
        for command_name in settings.only or COMMANDS:
            rows.append(kills(command_name, inputs, work, settings.kills, rng))
            print(*rows[-1], sep=": ", flush=True)
        if settings.only:
            return
        rows += [deleted(inputs, work), *refusals(inputs), flips(inputs, settings.flips, rng)]
    told = f"`python benchmarks/reliability.py --kills {settings.kills}`, seed {settings.seed}."
    write(rows, told)
    print(PAGE.read_text())


if __name__ == "__main__":
    main()
