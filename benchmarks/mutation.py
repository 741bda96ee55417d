"""Mutation testing: small changes of the method's code, each of which some test should notice.

``make mutate`` changes one operator, number, condition or branch at a time in a copy of the
repository, and runs the tests of that module there, those first that have found most in it and
those that are quick. Any prefix of the order is a sample of every file in proportion to its size,
so a run may be stopped and gone on with. See mutation.md for what was found.
"""

import argparse
import ast
import csv
import difflib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "deepwas_app"
EQUIVALENT = Path(__file__).with_name("mutation_equivalent.tsv")
FILES = (
    *sorted(PACKAGE.glob("core/**/*.py")),
    *(PACKAGE / f"genetics/{name}.py" for name in ("alleles", "matching")),
    *(PACKAGE / f"genetics/gwas/{name}.py" for name in ("align", "frequency")),
    PACKAGE / "genetics/genotypes/score.py",
)
TWO_DEVICES = "workflow/runs/test_training_options.py::test_two_devices_compute_what_one_does"
# Tests beside those of the same name, and for modules that have none of that name.
TESTS = {
    "core/block": "core/test_block core/test_declared core/test_likelihood",
    "core/batch": f"core/test_objective_steps core/test_batch {TWO_DEVICES}",
    "core/linalg": "core/test_linalg core/test_declared core/test_likelihood",
    "core/credible_sets": "core/test_finemap_steps core/test_finemap",
    "core/effects": "core/test_effects_exact core/test_declared core/test_effects",
    "core/finemap": "core/test_finemap_steps core/test_finemap",
    "core/iterative": "core/test_iterative_exact core/test_declared core/test_iterative",
    "core/likelihood": "core/test_iterative_exact core/test_declared core/test_likelihood "
    "core/test_iterative.py::test_choice_by_size "
    "core/test_iterative.py::test_unconverged_solve_raises",
    "core/ldsr": "core/test_objective_steps core/test_ldsr",
    "core/mismatch": "core/test_mismatch core/test_declared",
    "core/response": "core/test_effects_exact core/test_declared core/test_response",
    "core/simulate": "core/test_simulate core/test_declared",
    "core/posterior": "core/test_iterative_exact core/test_posterior core/test_batch "
    "core/test_declared workflow/runs/test_track_runs",
    "core/jackknife": "core/test_effects_exact core/test_jackknife core/test_effects",
    "core/moments": "core/test_moments core/test_recovery",
    "core/shifts": "core/test_effects_exact core/test_response",
    "core/held_out": "core/test_effects_exact core/test_fit workflow/runs/test_train",
    "core/fit": "core/test_fit_steps core/test_fit core/test_batch",
    "core/objectives": "core/test_declared core/test_objective_steps core/test_fit_steps "
    "core/test_objective core/test_ldsr "
    "core/test_fit core/test_batch",
    "core/priors": "core/test_declared core/test_priors core/test_transformer core/test_facts "
    "core/test_fit",
    "genetics/alleles": "genetics/test_alleles genetics/test_matching genetics/gwas/test_align "
    "genetics/genotypes/test_score",
    "genetics/matching": "genetics/test_matching genetics/gwas/test_align "
    "genetics/gwas/test_sumstats genetics/test_regions genetics/annotation/test_annotations "
    "genetics/ld/test_panel",
    "genetics/gwas/frequency": "genetics/gwas/test_frequency genetics/gwas/test_align "
    "workflow/studies/test_ld_sources",
    "genetics/gwas/align": "genetics/gwas/test_align_edges genetics/gwas/test_align",
    "genetics/genotypes/score": "genetics/genotypes/test_score_edges genetics/genotypes/test_score "
    "workflow/results/test_score",
}
# Others of Cosmic Ray's operators end in a TypeError at once, which would flatter the tests.
ARITHMETIC = {
    "Add": "Sub",
    "Sub": "Add",
    "Mul": "Div",
    "Div": "Mul",
    "Pow": "Mul",
    "FloorDiv": "Mul",
    "Mod": "Mul",
    "BitAnd": "BitOr",
    "BitOr": "BitAnd",
    "LShift": "RShift",
    "RShift": "LShift",
}
COMPARISON = {
    "Lt": ("LtE", "GtE"),
    "LtE": ("Lt", "Gt"),
    "Gt": ("GtE", "LtE"),
    "GtE": ("Gt", "Lt"),
    "Eq": ("NotEq",),
    "NotEq": ("Eq",),
    "Is": ("IsNot",),
    "IsNot": ("Is",),
}
OPERATORS = {
    *(f"core/ReplaceBinaryOperator_{a}_{b}" for a, b in ARITHMETIC.items()),
    *(f"core/ReplaceComparisonOperator_{a}_{b}" for a, many in COMPARISON.items() for b in many),
    *(f"core/ReplaceUnaryOperator_Delete_{name}" for name in ("USub", "Not", "Invert")),
    *(f"core/Replace{a}With{b}" for a, b in (("And", "Or"), ("Or", "And"))),
    *(f"core/Replace{a}With{b}" for a, b in (("True", "False"), ("False", "True"))),
    *(f"core/Replace{a}With{b}" for a, b in (("Break", "Continue"), ("Continue", "Break"))),
    "core/AddNot",
    "core/NumberReplacer",
    "core/ZeroIterationForLoop",
} & set(operator_names())


class Spot(NamedTuple):
    """A place where an operator of Cosmic Ray changes a file."""

    path: Path
    operator: str
    occurrence: int
    line: int

    @property
    def file(self) -> str:
        return str(self.path.relative_to(PACKAGE))


def spots(path: Path) -> list[Spot]:
    """All places of a file, without those in type annotations."""
    source = path.read_text()
    hints = annotation_spans(ast.parse(source))
    nodes = list(ast_nodes(get_ast(source)))
    found = []
    for name in sorted(OPERATORS):
        operator = get_operator(name)()
        places = (place for node in nodes for place in operator.mutation_positions(node))
        found += [
            Spot(path, name, occurrence, start[0])
            for occurrence, (start, _) in enumerate(places)
            if not any(first <= start < last for first, last in hints)
        ]
    return found


class Mutant(NamedTuple):
    """A changed file, and the lines that differ."""

    code: str
    before: str
    after: str


def mutant(spot: Spot) -> Mutant:
    """The change that is made at a spot."""
    source = spot.path.read_text()
    code = mutate_code(source, get_operator(spot.operator)(), spot.occurrence)
    return Mutant(code, *changed_lines(source, code))


def annotation_spans(tree: ast.AST) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """First and last place of every type annotation, as (line, column)."""
    hints: list[ast.expr | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign):
            hints.append(node.annotation)
        elif isinstance(node, ast.FunctionDef):
            hints.append(node.returns)
    return [
        ((hint.lineno, hint.col_offset), (hint.end_lineno or 0, hint.end_col_offset or 0))
        for hint in hints
        if hint is not None
    ]


def changed_lines(source: str, code: str) -> tuple[str, str]:
    """The lines that differ, before and after."""
    lines = list(difflib.unified_diff(source.split("\n"), code.split("\n"), lineterm="", n=0))[2:]
    return tuple(
        " ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+"
    )


def in_order(files: list[Path], seed: int) -> list[Spot]:
    """All spots, so mixed that any first part holds the same share of every file."""
    ranked = []
    for path in files:
        mixed = spots(path)
        random.Random(f"{seed} {path.relative_to(PACKAGE)}").shuffle(mixed)
        ranked += [((i + 0.5) / len(mixed), spot) for i, spot in enumerate(mixed)]
    return [spot for _, spot in sorted(ranked)]


def tests_of(file: str) -> list[str]:
    """The test files that a module is held against."""
    name = file.removesuffix(".py")
    room, _, stem = name.rpartition("/")
    named = TESTS.get(name) or TESTS.get(room) or f"{room}/test_{stem}"
    return [f"tests/{test}" if ".py" in test else f"tests/{test}.py" for test in named.split()]


class Tests:
    """What is known of single tests: how long they take, what they find, that they pass as it is.

    Every line of `notes` is a test, its seconds, and the changed file where it failed.
    """

    def __init__(self, copy: Path, notes: Path):
        self.copy, self.notes = copy, notes.resolve()
        self.notes.touch()
        self.sound: set[str] = set()
        self.file = ""
        self._seconds: dict[str, float] = {}
        self._finds: Counter[tuple[str, str]] = Counter()

    def _remember(self) -> tuple[str, str]:
        """Read the notes; the last of them."""
        self._seconds, self._finds = {}, Counter()
        name = file = ""
        for line in self.notes.read_text().splitlines():
            name, seconds, file = line.split("\t")
            self._seconds[name] = float(seconds)
            self._finds[file, name] += bool(file)
        return name, file

    # Names of pytest's hooks. Ours comes last: conftest.py sorts too.
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """What has found most in this file first, then the quick; files stay together."""

        def rank(item: pytest.Item) -> tuple[int, int]:
            seconds = self._seconds.get(item.nodeid, 0.0)
            return -self._finds[self.file, item.nodeid], sum(seconds > s for s in (0.3, 3.0, 10.0))

        items.sort(key=rank)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what was called, and what failed before it was."""
        if report.when == "call" or report.failed:
            with self.notes.open("a") as stream:
                file = self.file if report.failed else ""
                stream.write(f"{report.nodeid}\t{report.duration:.2f}\t{file}\n")

    def _here(self, names: list[str]) -> int:
        """Exit status of pytest, here and now."""
        os.setsid()
        os.chdir(self.copy)
        sys.path.insert(0, str(self.copy))
        log = os.open(self.copy / "tests.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        words = "-x -q -n0 -pno:cacheprovider -Wignore::pytest.PytestAssertRewriteWarning"
        return int(pytest.main([*words.split(), *names], plugins=[self]))

    def run(self, names: list[str], file: str) -> str:
        """Run tests in a fork of this process, which has imported all but the package itself."""
        self._remember()
        self.file = file
        files = tuple(name.partition("::")[0] for name in names)
        # Three times as long as without a change, or what the longest file takes here.
        known = sum(s for name, s in self._seconds.items() if name.startswith(files))
        end = time.monotonic() + 60 + max(3 * known, 240)
        child = os.fork()
        if child == 0:
            # Whatever happens in the fork, it must not go on as if it were this process.
            try:
                os._exit(self._here(names))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return "survived" if status == 0 else "killed"
            time.sleep(0.05)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return "timeout"

    def check(self) -> None:
        """Stop where the test that failed last does so without any change."""
        name, file = self._remember()
        if file and name not in self.sound and self.run([name], "unchanged") != "survived":
            sys.exit(f"without any change, {name} fails\n{(self.copy / 'tests.log').read_text()}")
        self.sound.add(name)


def copied(folder: Path) -> Path:
    """A copy of what git knows of, and of nothing else."""
    known = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in known.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def prepare(folder: str) -> None:
    """Import what every fork needs, and let them all share compiled programs."""
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", f"{folder}/compiled")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.02"
    import beartype  # noqa: F401
    import equinox  # noqa: F401
    import hypothesis  # noqa: F401
    import optax  # noqa: F401
    import scipy.stats  # noqa: F401
    import xarray  # noqa: F401
    import zarr  # noqa: F401


def tried(path: Path) -> dict[tuple[str, ...], str]:
    """Outcomes of an earlier run."""
    if not path.exists():
        return {}
    with path.open() as stream:
        rows = csv.reader(stream, delimiter="\t")
        return {tuple(row[:3]): row[3] for row in rows}


def outcomes(chosen: list[Spot], output: Path) -> Iterator[tuple[Spot, Mutant, str]]:
    """Each change with what became of it; written to `output` as they come."""
    known = tried(output)
    with tempfile.TemporaryDirectory(prefix="deepwas-mutation-") as folder:
        prepare(folder)
        copy = copied(Path(folder) / "copy")
        tests = Tests(copy, output.with_suffix(".tests.tsv"))
        everything = sorted({test for spot in chosen for test in tests_of(spot.file)})
        if tests.run(["--collect-only", *everything], "unchanged") != "survived":
            sys.exit((copy / "tests.log").read_text())
        for spot in chosen:
            change = mutant(spot)
            key = (spot.file, change.before, change.after)
            if key not in known:
                place = copy / "deepwas_app" / spot.file
                place.write_text(change.code)
                known[key] = tests.run(tests_of(spot.file), spot.file)
                shutil.copy(spot.path, place)
                if known[key] == "killed":
                    tests.check()
                with output.open("a") as stream:
                    csv.writer(stream, delimiter="\t").writerow([*key, known[key]])
            yield spot, change, known[key]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="such as core/fit.py; all of them by default")
    parser.add_argument("--sample", type=int, help="so many mutants; all of them by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("mutants.tsv"))
    asked = parser.parse_args()
    files = [PACKAGE / name for name in asked.files] or [p for p in FILES if p.stem != "__init__"]
    everything = in_order(files, asked.seed)
    chosen = everything[: asked.sample]
    print(f"{len(chosen)} of {len(everything)} mutants", flush=True)
    same = set(tried(EQUIVALENT))
    table: dict[str, Counter[str]] = {str(path.relative_to(PACKAGE)): Counter() for path in files}
    for i, (spot, change, outcome) in enumerate(outcomes(chosen, asked.output), 1):
        if outcome == "survived" and (spot.file, change.before, change.after) in same:
            outcome = "equivalent"
        table[spot.file][outcome] += 1
        print(f"{i}: {outcome}: {spot.file}:{spot.line}: {change.after}", flush=True)
    print("\n| file | tried | equivalent | killed | share |\n|---|---|---|---|---|")
    for file, count in [*table.items(), ("all", sum(table.values(), Counter()))]:
        counted = count.total() - count["equivalent"]
        killed = count["killed"] + count["timeout"]
        share = f"{killed / counted:.0%}" if counted else ""
        print(f"| {file} | {count.total()} | {count['equivalent']} | {killed} | {share} |")


if __name__ == "__main__":
    main()
