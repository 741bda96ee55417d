"""The commands, and what becomes of one that is typed.

A command is a module of the folder ``commands``: its ``Settings`` are the flags, ``run`` does the
work. Only the module of the command that is typed is imported.
"""

import argparse
import difflib
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

from deepwas_app.errors import InputError, RunWarning, refused

COMMANDS = {
    "serve": "Serve the dashboard in the browser.",
    "ld": "Make an LD panel from genotypes or from LD files.",
    "study": "Align summary statistics to an LD panel and whiten them.",
    "munge": "Write summary statistics of any layout as clean GWAS-SSF.",
    "simulate": "Simulate a study whose truth is known.",
    "train": "Fit a prior to a study.",
    "evaluate": "Held-out gain of runs over the constant prior.",
    "scaling": "Held-out likelihood against the number of parameters.",
    "check": "Check the LD of every block of a study against its z-scores; do LD score regression.",
    "calibration": "Realised against predicted heritability where a run was held out.",
    "effects": "Annotation effects and enrichment, as a table.",
    "scan": "Test thousands of annotations, each beside what a run has learned.",
    "response": "How log variance answers to one annotation, or to two, the others as they are.",
    "export": "Write a run's prior and weights for other tools.",
    "finemap": "Inclusion probabilities and credible sets of a region, or of a whole study.",
    "report": "Loci on pages to read, print and send: HTML, pictures and tables.",
    "outlook": "How many variants are causal, and how many of them larger GWAS would find.",
    "explain": "Which annotations drive one variant's prior.",
    "score": "Polygenic scores of genotyped people.",
    "compare": "Difference in held-out log-likelihood (nats, first minus second) between two runs "
    "of a study: whole, by chromosome, by LD block, the block that changed most first.",
    "info": "What is in a study, panel, run or data file.",
}


class Terminated(KeyboardInterrupt):
    """SIGTERM, which cleans up as an interrupt does."""


def _terminate(*_: object) -> None:
    raise Terminated


def main(arguments: list[str] | None = None) -> int:
    """Run one command: 0 when it went well, 1 on bad input, 130 by SIGINT, 143 by SIGTERM."""
    if "_ARGCOMPLETE" in os.environ:
        _complete()
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    typed = parser(words[0] if words else "").parse_args(words)
    # Late, as all that a list of the commands can do without.
    from deepwas_app.cli.flags import read_flags
    from deepwas_app.cli.output import be_quiet, warn
    from deepwas_app.provenance import making

    be_quiet(typed.quiet)
    command = command_module(typed.command)
    # Signals are for the main thread to take.
    taken = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _terminate) if taken else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", RunWarning)
            doubts: list[str] = []
            warnings.showwarning = _gathered(doubts, warnings.showwarning)
            with making(["deepwas", *words]):
                command.run(read_flags(typed, command.Settings))
            # Here, where a full disk can still be told.
            sys.stdout.flush()
        # Not where it failed: that is one line.
        for doubt in dict.fromkeys(doubts):
            warn(doubt)
    except InputError as problem:
        print(f"deepwas: {problem}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except (OSError, MemoryError, RuntimeError) as error:
        refusal = refused(error)
        if refusal is None:
            raise
        print(f"deepwas: {refusal}", file=sys.stderr)
        return 1
    except Terminated:
        print("deepwas: terminated", file=sys.stderr)
        return 143
    except KeyboardInterrupt:
        print("deepwas: interrupted", file=sys.stderr)
        return 130
    finally:
        if taken:
            signal.signal(signal.SIGTERM, before)
    return 0


def _gathered(doubts: list[str], otherwise: Callable[..., None]) -> Callable[..., None]:
    """Shows warnings: keeps what is to be doubted of runs for the end, others as ever."""

    def show(message: Warning | str, category: type[Warning], *where: Any) -> None:
        if issubclass(category, RunWarning):
            doubts.append(str(message))
        else:
            otherwise(message, category, *where)

    return show


def _complete() -> None:
    """Answer the shell that asks how a line could go on, and end."""
    import argcomplete

    line = os.environ.get("COMP_LINE", "").split()
    argcomplete.autocomplete(parser(line[1] if line[1:2] and line[1] in COMMANDS else ""))


def command_module(name: str) -> ModuleType:
    """The module of a command."""
    return import_module(f"deepwas_app.cli.commands.{name}")


class _Version(argparse.Action):
    """Prints the version, which takes long enough to look up that other commands do without."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        import deepwas_app

        print(f"deepwas {deepwas_app.__version__}")
        parser.exit()


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a line in one line, with what may have been meant."""

    def error(self, message: str) -> NoReturn:
        """End with that line."""
        wrong = re.search(r"argument COMMAND: invalid choice: '([^']*)'", message)
        if wrong:
            message = f"{wrong[1]}: no such command{_near(wrong[1], COMMANDS)}"
        self.exit(2, f"{self.prog}: {message}. See {self.prog} --help.\n")

    def parse_known_args(self, *arguments: Any, **keywords: Any) -> Any:
        """Parse; of a command all words must be known."""
        typed, unknown = super().parse_known_args(*arguments, **keywords)
        flags = [word for word in unknown if word.startswith("-")]
        if flags and not hasattr(typed, "command"):
            flag = flags[0].partition("=")[0]
            self.error(f"{flag}: no such flag{_near(flag, self._option_string_actions)}")
        return typed, unknown


def _near(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), 1, 0.5)
    return f". Did you mean {near[0]}?" if near else ""


def parser(chosen: str) -> argparse.ArgumentParser:
    """The parser that lists all commands, with the flags of the chosen one."""
    top = Parser(
        prog="deepwas",
        description="Learn which annotations carry heritability, from a GWAS under LD.",
        epilog="deepwas help COMMAND says more of one. Completion in the shell: "
        'eval "$(register-python-argcomplete deepwas)".',
    )
    top.add_argument("-V", "--version", action=_Version, nargs=0, help="show the version and exit")
    commands = top.add_subparsers(
        title="commands", required=True, metavar="COMMAND", dest="command"
    )
    for name, text in COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=text)
        if name == chosen:
            from deepwas_app.cli.flags import add_flags

            add_flags(sub, command_module(name).Settings)
            sub.add_argument(
                "-q", "--quiet", action="store_true", help="Only results, warnings and errors."
            )
    return top
