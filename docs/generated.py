"""The pages that are made from declarations: commands, formats, names of Python."""

import argparse
import shutil
from collections.abc import Iterable
from pathlib import Path

import deepwas_app as dw
from deepwas_app.cli import COMMANDS, parser
from deepwas_app.core.objectives import OBJECTIVES
from deepwas_app.core.priors import PRIORS
from deepwas_app.genetics.gwas.checks import CHECKS
from deepwas_app.genetics.gwas.format import FORMATS
from deepwas_app.genetics.gwas.vocabulary import ROLES
from deepwas_app.genetics.ld.sources.base import LD_SOURCES
from deepwas_app.genetics.variables import REGISTRY
from deepwas_app.workflow.results.exports import EXPORTS

ROOT = Path(__file__).parents[1]
# Public names in their order; pages and views are found by their names, and what is in no list is
# in the last.
NAMES = {
    "Studies and LD panels": "open_study builtin_studies open_panel build_ld build_study simulate "
    "add_annotation read_annotations read_sumstats understand munge info alignment ld_fit",
    "Fitting": "fit train scaling Prior open_run",
    "Results": "evaluate compare calibration check ldsc residual_spectrum annotation_effects "
    "annotation_overview effects effects_table quantile_table response response_curve "
    "interaction_surface scan derivatives open_derivatives explain variant_drivers heritability "
    "run_heritability posterior outlook fine_map",
    "Files for other tools": "export snpvar snpvar_table prior_weights pgs_weights score_people",
    "Pages and views": "explore serve",
    "Errors": "InputError",
}
# What functions give back, and what of it is for people.
GIVEN_BACK = {
    "deepwas_app.workflow.runs.run.Run": "",
    "deepwas_app.workflow.runs.train_step.TrainStep": "",
    "deepwas_app.workflow.runs.sweep.Sweep": "",
    "deepwas_app.workflow.results.finemap.FineMapping": "",
    "deepwas_app.workflow.results.score.Scored": "",
    "deepwas_app.workflow.progress.Progress": "",
}


def write_pages(folder: Path) -> None:
    """Write all pages anew into a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(
        ROOT / "notebooks", folder / "notebooks", ignore=lambda *_: [".ipynb_checkpoints"]
    )
    pages = {
        "commands.md": commands(),
        "api.rst": api(),
        "sumstats.inc.md": table(
            ("format", "recognised by the columns", "effect allele"),
            (
                (f.name, _columns(f.required), _columns(f.columns.get("effect_allele", ())))
                for f in FORMATS.values()
            ),
        ),
        "roles.inc.md": table(("role", "meaning"), ROLES.items()),
        "checks.inc.md": table(("check", "what should be so"), CHECKS.items()),
        "ld_sources.inc.md": table(
            ("flag", "kind", "what to name", "build"),
            (
                (f"`--{s.name}`", s.title, s.doc, s.build or "as you say")
                for s in LD_SOURCES.values()
            ),
        ),
        "priors.inc.md": table(
            ("prior", "what it is", "named sizes (width x depth)"),
            (
                (f"`{p.name}`", p.doc, ", ".join(f"{n} {w}x{d}" for n, (w, d) in p.sizes.items()))
                for p in PRIORS.values()
            ),
        ),
        "objectives.inc.md": table(
            ("objective", "what it is"), ((f"`{o.name}`", o.doc) for o in OBJECTIVES.values())
        ),
        "exports.inc.md": table(
            ("flag", "file", "what it holds"),
            ((f"`--{e.name}`", e.title, e.doc) for e in EXPORTS.values()),
        ),
        "variables.inc.md": table(
            ("variable", "dimensions", "unit", "meaning"),
            ((f"`{v.name}`", ", ".join(v.dims), v.unit, v.meaning) for v in REGISTRY.values()),
        ),
    }
    for name, text in pages.items():
        (folder / name).write_text(text)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(_cell(str(c)) for c in line) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _columns(names: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in names if name != "-").replace("|", " or ")


def commands() -> str:
    """Every command with its flags, as its own ``--help`` has them."""
    text = [
        "# Commands",
        "",
        "As `deepwas COMMAND --help` says it; made from the same declarations as the fields of the "
        "pages and the keywords of the Python functions.",
        "",
    ]
    for name in COMMANDS:
        command = _command(name)
        usage = command.format_usage().removeprefix("usage: ").replace("\n       ", "\n")
        text += [f"## deepwas {name}", "", command.description or "", ""]
        text += ["```text", usage.rstrip(), "```", ""]
        for group in command._action_groups:
            shown = [a for a in group._group_actions if a.help != argparse.SUPPRESS]
            shown = [action for action in shown if action.dest != "help"]
            if shown:
                title = (group.title or "").capitalize()
                rows = ((_flag(action), (action.help or "").replace("%%", "%")) for action in shown)
                text += [table((title, ""), rows)]
    return "\n".join(text)


def _command(name: str) -> argparse.ArgumentParser:
    (subparsers,) = [a for a in parser(name)._actions if isinstance(a, argparse._SubParsersAction)]
    return subparsers.choices[name]


def _flag(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    return "`" + " ".join(part for part in (", ".join(action.option_strings), value) if part) + "`"


def api() -> str:
    """Lists of the public names, each of which has a page made from its docstring."""
    lists = {title: names.split() for title, names in NAMES.items()}
    screens = [name for name in dw.__all__ if name.endswith(("Page", "View"))]
    lists["Pages and views"] += screens
    listed = {name for names in lists.values() for name in names}
    lists["More"] = [name for name in dw.__all__ if name not in {*listed, "plot"}]
    lists = {
        title: [f"deepwas_app.{name}" for name in names if name in dw.__all__]
        for title, names in lists.items()
    }
    lists["Plots"] = [f"deepwas_app.plot.{name}" for name in sorted(dw.plot.__all__)]
    lists["What functions give back"] = list(GIVEN_BACK)
    text = ["Python", "======", "", "``import deepwas_app as dw``.", ""]
    for title, names in lists.items():
        if not names:
            continue
        text += [
            title,
            "-" * len(title),
            "",
            ".. autosummary::",
            "   :toctree: api",
            "   :nosignatures:",
            "",
        ]
        text += [*(f"   {name}" for name in names), ""]
    return "\n".join(text)
