"""Every command and every block of Python in the documentation runs, from top to bottom of a page.

A block that cannot run here has `<!--- skip: next "why" -->` before it. Commands run in this
process; of servers only the flags are read, and of `make` and `pip` that there is such a target
and such an extra.
"""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from unittest import SkipTest

import numpy as np
import pandas as pd
import pytest
from numpydoc.validate import validate
from sybil import Document, Example
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

import deepwas_app as dw
from deepwas_app.cli import command_module, main, parser
from deepwas_app.cli.flags import read_flags
from deepwas_app.workflow.studies.builtin import builtin_path, builtin_studies

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README, QUICKSTART = ROOT / "README.md", DOCS / "quickstart.md"
WRITTEN = [page for page in sorted(DOCS.rglob("*.md")) if "/_" not in str(page)]
PAGES = [
    page for page in (README, *WRITTEN) if re.search("^```(sh|python)$", page.read_text(), re.M)
]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
SKIP = "<!--- skip: next"
MOST_SKIPPED = 12


def of_deepwas(words: list[str]) -> None:
    if words[0] == "serve":
        read_flags(parser("serve").parse_args(words), command_module("serve").Settings)
    else:
        assert main(words) == 0, shlex.join(words)


def of_make(words: list[str]) -> None:
    assert set(words) <= set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M)), words


def of_pip(words: list[str]) -> None:
    asked = {
        extra
        for names in re.findall(r"\[([\w,]+)\]", " ".join(words))
        for extra in names.split(",")
    }
    assert asked <= set(EXTRAS), words


RUNNERS: dict[str, Callable[[list[str]], None]] = {
    "deepwas": of_deepwas,
    "make": of_make,
    "pip": of_pip,
}


def shell(example: Example) -> None:
    """Run the commands of a block."""
    for line in example.parsed.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        with pytest.MonkeyPatch.context() as patch:
            while words and re.match(r"[A-Z_]+=", words[0]):
                name, _, value = words.pop(0).partition("=")
                patch.setenv(name, value)
            if words:
                RUNNERS[words[0]](words[1:])


PARSERS = [SkipParser(), PythonCodeBlockParser(), CodeBlockParser(language="sh", evaluator=shell)]


def run_page(page: Path, folder: Path) -> None:
    """Run the blocks of a page as if they were typed in a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for example in Document.parse(str(page), *PARSERS).examples():
            with suppress(SkipTest):
                example.evaluate()


@pytest.fixture(scope="module", autouse=True)
def small_builtin(tmp_path_factory: pytest.TempPathFactory, small_study) -> Iterator[None]:
    """What is built in is small here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPWAS_CACHE", str(tmp_path_factory.mktemp("cache")))
        for name in builtin_studies():
            shutil.copytree(small_study.attrs["path"], builtin_path(name))
        yield


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one who has the data, of which here are four LD blocks."""
    folder = tmp_path_factory.mktemp("start")
    shutil.copytree(ROOT / "data", folder / "data")
    blocks = folder / "data" / "height_chr22" / "blocks.bed"
    lines = blocks.read_text().splitlines(keepends=True)
    blocks.write_text("".join([lines[0], *lines[13:17]]))
    return folder


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, start: Path) -> Path:
    """The folder of one who went through the quickstart, and has files of his own."""
    folder = tmp_path_factory.mktemp("begun") / "reader"
    shutil.copytree(start, folder)
    run_page(QUICKSTART, folder)
    bring(folder)
    return folder


def bring(folder: Path) -> None:
    """Small files of the kinds that people bring."""
    data = folder / "data" / "height_chr22"
    shutil.copy(data / "height.fastGWA.gz", folder / "gwas.tsv.gz")
    gwas = pd.read_csv(folder / "gwas.tsv.gz", sep="\t")
    scores = gwas[["CHR", "POS", "A1", "A2"]].assign(model=np.linspace(-1, 1, len(gwas)))
    scores.to_parquet(folder / "scores.22.parquet")
    (folder / "peaks.bed").write_text("chr22\t36000000\t36100000\nchr22\t38000000\t38500000\n")
    people = pd.read_csv(data / "genotypes.fam", sep=r"\s+", header=None).iloc[:, :2]
    people.columns = ["FID", "IID"]
    drawn = np.random.default_rng(0).normal(size=(len(people), 2))
    for number, name in enumerate(("phenotype", "covariates")):
        people.assign(**{name: drawn[:, number]}).to_csv(
            folder / f"{name}.tsv", sep="\t", index=False
        )


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_page_shows_runs(page: Path, tmp_path: Path, request: pytest.FixtureRequest):
    before = request.getfixturevalue("start" if page == README else "begun")
    if page != QUICKSTART:
        run_page(page, Path(shutil.copytree(before, tmp_path / "reader")))


def test_few_blocks_are_not_run():
    assert sum(page.read_text().count(SKIP) for page in PAGES) <= MOST_SKIPPED


# Not asked: an extended summary, examples and references to other functions everywhere; types,
# which the signature has; a capital letter where the text is a knob's.
OF_NUMPYDOC = {"ES01", "EX01", "SA01", "PR04", "PR08", "RT03", "GL02", "SS05"}


PUBLIC = [name for name in dw.__all__ if name != "plot"]
PICTURES = [f"plot.{name}" for name in dw.plot.__all__]


@pytest.mark.parametrize("name", [*PUBLIC, *PICTURES])
def test_docstrings_are_of_one_dialect(name: str):
    """That of numpydoc: sections in its order, and all parameters and results said."""
    found = validate(f"deepwas_app.{name}")
    allowed = set(OF_NUMPYDOC)
    # What a class is made of is said with its attributes.
    if isinstance(getattr(dw, name, None), type):
        allowed |= {"PR01", "RT01"}
    problems = [f"{code} {said}" for code, said in found["errors"] if code not in allowed]
    # Every job has it.
    assert [said for said in problems if "{'progress'}" not in said] == []


def test_pages_are_built_without_a_warning(tmp_path: Path):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", tmp_path / "read"]
    done = subprocess.run(
        [*command, DOCS, tmp_path / "html"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for page in (tmp_path / "html").rglob("*.html"):
        asked = re.search(r"<(script|link|img)[^>]* (src|href)=\"https?:[^>]*>", page.read_text())
        assert not asked, (page, asked)
