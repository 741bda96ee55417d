"""The command line of the programs that simulate with population.py, and what they write."""

import argparse
import csv
import sys
import time
from collections.abc import Callable, Sequence


def parser(seed: int) -> argparse.ArgumentParser:
    """With --quick, --chromosomes, --seed (this one by default) and -o."""
    made = argparse.ArgumentParser()
    made.add_argument("--quick", action="store_true", help="a small one, in a minute")
    made.add_argument("--chromosomes", type=int, default=4)
    made.add_argument("--seed", type=int, default=seed)
    made.add_argument("-o", "--output", type=argparse.FileType("w"), default=sys.stdout)
    return made


def clock() -> Callable[[str], None]:
    """Say on standard error how many seconds have passed since, and what is done."""
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {what}", file=sys.stderr, flush=True)

    return say


def table(options: argparse.Namespace, columns: Sequence[str]):
    """A writer of rows, under a row of names."""
    writer = csv.writer(options.output, delimiter="\t", lineterminator="\n")
    writer.writerow(columns)
    return writer
