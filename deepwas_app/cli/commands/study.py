"""``deepwas study``: a study."""

from typing import Any

import param

from deepwas_app.cli.output import follow, print_json, print_report, say
from deepwas_app.workflow.settings.base import part
from deepwas_app.workflow.settings.data import StudySettings
from deepwas_app.workflow.settings.shared import LAST, OUTPUT, JsonOutput

__all__ = ["Settings", "run"]


class Settings(StudySettings, JsonOutput):
    """Knobs of the command."""

    # Not needed where nothing is written.
    output = param.String("", doc=StudySettings.param.output.doc, precedence=LAST, metadata=OUTPUT)
    dry_run = param.Boolean(
        False,
        precedence=LAST,
        doc="Say what is understood of the GWAS file, column by column, and stop.",
    )


def run(settings: Settings) -> None:
    """Write the study and say what became of the variants."""
    if settings.dry_run:
        _dry_run(settings)
        return
    from deepwas_app.genetics.store import open_study_store
    from deepwas_app.workflow.studies.build import build_study
    from deepwas_app.workflow.studies.ld_fit import ld_warnings

    path = follow(build_study, part(settings, StudySettings), quiet=settings.json)
    study = open_study_store(path)
    report, notes = study.attrs["alignment"], study.attrs["annotation_notes"]
    gwas, warnings = study.attrs["provenance"][0], ld_warnings(study)
    if settings.json:
        print_json(
            {
                "study": str(path),
                "variants": study.sizes["variants"],
                "blocks": study.sizes["blocks"],
                "annotations": study["annotation"].values.tolist(),
                "format": gwas["format"],
                "understood": gwas["understood"],
                "sample_size": gwas["sample_size"],
                "alignment": report,
                "annotation_notes": notes,
                "warnings": warnings,
            }
        )
        return
    _print_understood(gwas)
    print(f"N: {gwas['sample_size']}")
    print_report(report)
    print("\n".join([*notes, f"{path}: {study.sizes['annotations']} annotations"]))
    for warning in warnings:
        say(f"warning: {warning}")


def _dry_run(settings: Settings) -> None:
    """Say what is understood, and then what must be said by hand, if anything."""
    from deepwas_app.errors import InputError
    from deepwas_app.genetics.patterns import expand
    from deepwas_app.workflow.studies.understood import understood_of

    meaning = understood_of(settings, expand(settings.sumstats)[0], settings.build)
    told = {"path": str(meaning.path), "format": meaning.format, "understood": meaning.rows}
    if settings.json:
        print_json(told | {"in_doubt": meaning.doubt, "asks": meaning.asks})
    else:
        _print_understood(told)
        if not meaning.tells_people and not (settings.n or settings.cases):
            say("It has no sample sizes. Give --n, or --cases and --controls.")
        if meaning.doubt:
            say(f"{meaning.doubt} Frequencies are compared with the panel's before that is asked.")
    if meaning.asks:
        raise InputError(meaning.asks[0])


def _print_understood(record: dict[str, Any]) -> None:
    from deepwas_app.workflow.studies.understood import understood_table

    print(f"{record['path']}: {record['format']}")
    table = understood_table(record)
    used = table[table["ROLE"] != ""]
    widths = [max(map(len, used[name]), default=0) for name in ("ROLE", "COLUMN", "WHY")]
    for role, column, why, values in used.itertuples(index=False):
        cells = (text.ljust(width) for text, width in zip((role, column, why), widths, strict=True))
        print(f"    {'  '.join(cells)}  {values}".rstrip())
    unused = [
        column + why.removeprefix("not used").replace(":", ",", 1)
        for role, column, why, _ in table.itertuples(index=False)
        if not role
    ]
    if unused:
        print(f"    not used: {'; '.join(unused)}")
