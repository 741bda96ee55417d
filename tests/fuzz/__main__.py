"""``make fuzz``: many mutations for each reader, in processes that a crash may end.

A table of counts is printed; what went wrong goes to fuzz-found.tsv: the case, the number of the
mutation and what happened. ``python -m tests.fuzz --case NAME --only NUMBER`` does one again.
"""

from __future__ import annotations

import argparse
import collections
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .harness import SECONDS, Case, Fuzz
from .stores import CASES, own_study


def child(case: Case, first: int, number: int, seed: int) -> None:
    """Mutations one by one; each says that it begins, so that a crash is known by its number."""
    with tempfile.TemporaryDirectory(prefix="deepwas-fuzz-") as folder:
        fuzz = Fuzz(case, Path(folder), seed)
        for index in range(first, number):
            print(json.dumps({"begins": index}), flush=True)
            before = dict(fuzz.counts)
            problem = fuzz.once(index)
            outcome = problem or next(k for k, v in fuzz.counts.items() if v != before.get(k, 0))
            print(json.dumps({"ended": index, "outcome": outcome}), flush=True)


def run(case: Case, number: int, seed: int) -> list[tuple[int, str]]:
    """Outcome of every mutation of a case."""
    outcomes: list[tuple[int, str]] = []
    while len(outcomes) < number:
        begun = -1
        words = ["--case", case.name, "--first", str(len(outcomes)), "--number", str(number)]
        with subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz", *words, "--seed", str(seed), "--child"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            # What does not answer in time hangs where Python cannot be interrupted.
            limit = time.monotonic() + 60 + number * 0.5 + SECONDS
            for line in process.stdout:
                said = json.loads(line)
                if "begins" in said:
                    begun = said["begins"]
                else:
                    outcomes.append((said["ended"], said["outcome"]))
                if time.monotonic() > limit:
                    process.kill()
        if len(outcomes) < number:
            if begun < len(outcomes):
                raise SystemExit(f"{case.name}: the sound file cannot be read")
            outcomes.append((begun, f"crash: ended with {process.returncode}"))
    return outcomes


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--case", default="", help="only readers whose names have this in them")
    parser.add_argument("--number", type=int, default=1000, help="mutations of each")
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="one mutation, with its traceback")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(next(c for c in CASES if c.name == asked.case), asked.first, asked.number, asked.seed)
        return
    cases = [case for case in CASES if asked.case in case.name]
    if asked.only is not None:
        with tempfile.TemporaryDirectory(prefix="deepwas-fuzz-") as folder:
            fuzz = Fuzz(cases[0], Path(folder), asked.seed)
            print(fuzz.once(asked.only) or dict(fuzz.counts))
            print(fuzz.path.read_bytes()[:3000])
            cases[0].read(fuzz.path)
        return
    bad = 0
    if any(case.slow for case in cases):
        own_study()
    with open("fuzz-found.tsv", "w", errors="backslashreplace") as found:
        print("reader\tmutations\taccepted\trefused\tnot as wanted\tseconds")
        for case in cases:
            start = time.monotonic()
            outcomes = run(case, asked.number, asked.seed)
            counts = collections.Counter(outcome for _, outcome in outcomes)
            good = counts["accepted"] + counts["refused"]
            bad += asked.number - good
            print(
                case.name,
                asked.number,
                counts["accepted"],
                counts["refused"],
                asked.number - good,
                f"{time.monotonic() - start:.0f}",
                sep="\t",
                flush=True,
            )
            for number, outcome in outcomes:
                if outcome not in ("accepted", "refused"):
                    print(case.name, number, outcome, sep="\t", file=found, flush=True)
    raise SystemExit(bad > 0)


main()
