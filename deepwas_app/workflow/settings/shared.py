"""Knobs that several commands have: each is declared here, once."""

import param

from deepwas_app.workflow.settings.base import Settings, facts

BUILDS = ("hg19", "hg38")
# Precedence of what is listed behind the other knobs.
LAST = 1


# How an output is typed.
OUTPUT = facts(flags=("-o", "--output"))


class StudyInput(Settings):
    """A command on one study."""

    study = param.String(
        "",
        doc="NAME.study.zarr or a built-in study.",
        metadata=facts(positional=True, required=True, metavar="STUDY"),
    )


class MovedStudy(Settings):
    """A command on runs that finds their study."""

    study = param.String(
        "",
        precedence=LAST,
        doc="Where the run's study is, if it was moved.",
        metadata=facts(metavar="STUDY", reads="file"),
    )


class RunInput(MovedStudy):
    """A command on one run."""

    run_path = param.String(
        "", doc="NAME.run", metadata=facts(positional=True, required=True, metavar="RUN")
    )


class Region(Settings):
    """A command on a part of the genome."""

    region = param.String(
        "",
        doc="1-based: 22:30500000-31500000.",
        metadata=facts(required=True, metavar="REGION"),
    )


class TableOutput(Settings):
    """A command that gives a table."""

    output = param.String(
        "-",
        doc="Tab-separated table; - for the screen.",
        precedence=LAST,
        metadata=facts(flags=("-o", "--output"), metavar="TSV"),
    )


class JsonOutput(Settings):
    """A command whose result other programs read."""

    json = param.Boolean(False, precedence=LAST, doc="Print one JSON value last.")


class DryRun(Settings):
    """A command that reads a GWAS file."""

    dry_run = param.Boolean(
        False,
        precedence=LAST,
        doc="Say what is understood of the GWAS file, column by column, and stop.",
    )


class Liability(Settings):
    """What puts the heritability of having a trait on the scale of its liability."""

    prevalence = param.Number(
        None,
        bounds=(0.0, 1.0),
        inclusive_bounds=(False, False),
        allow_None=True,
        doc="Share of the population that has the trait: heritability is given on the scale of "
        "the liability too.",
        metadata=facts("1"),
    )
    case_fraction = param.Number(
        None,
        bounds=(0.0, 1.0),
        inclusive_bounds=(False, False),
        allow_None=True,
        doc="Share of cases among the people of N. Default: 0.5 where N is the effective one, of "
        "cases and controls.",
        metadata=facts("1"),
    )


class Whitened(Settings):
    """A command that writes LD blocks."""

    variance = param.Number(
        0.99,
        bounds=(0.5, 1.0),
        label="Variance kept per LD block",
        doc="Share of the variance of each LD block to keep.",
        metadata=facts("1"),
    )


class NewStudy(Whitened):
    """A command that makes a study."""

    title = param.String("", doc="Name shown to people. Empty: from the output's name.")
    output = param.String(
        "",
        doc="Where to write the study, NAME.study.zarr.",
        precedence=LAST,
        metadata=facts(flags=("-o", "--output"), required=True),
    )


class HeldOut(Settings):
    """A command that trains, and tests on what it holds out."""

    learning_rate = param.Number(
        3e-3,
        bounds=(1e-6, 1.0),
        label="Learning rate",
        doc="AdamW's peak step size.",
        metadata=facts("1", flags=("--lr",)),
    )
    validation_chromosomes = param.String(
        "",
        doc="Chromosomes, as 1,2, that are neither trained on nor tested on: training stops early "
        "when they are predicted no better, and keeps the best epoch. auto: an eighth of them, "
        "or of the training blocks where there are few. Empty: no early stopping.",
    )
    patience = param.Integer(
        5,
        bounds=(1, 1000),
        doc="Passes without gain on the validation chromosomes before a stop.",
        metadata=facts("passes"),
    )
    test_chromosomes = param.String(
        "", doc="Held-out chromosomes, as 6,7,8. Empty: chosen for you. none: train on all."
    )
    test_blocks = param.String("", doc="Held-out LD blocks by number from 0, as 3,7,11.")
