"""``deepwas munge``: any GWAS file in, clean GWAS-SSF out."""

import param

from deepwas_app.cli.output import follow, print_json, print_report, warn
from deepwas_app.cli.understood import dry_run, print_understood
from deepwas_app.counting import counted
from deepwas_app.workflow.settings.base import part
from deepwas_app.workflow.settings.data import MungeSettings
from deepwas_app.workflow.settings.shared import LAST, OUTPUT, DryRun, JsonOutput

__all__ = ["Settings", "run"]


class Settings(MungeSettings, DryRun, JsonOutput):
    """Knobs of the command."""

    # Not needed where nothing is written.
    output = param.String("", doc=MungeSettings.param.output.doc, precedence=LAST, metadata=OUTPUT)


def run(settings: Settings) -> None:
    """Write the file and say what became of the rows."""
    if settings.dry_run:
        dry_run(settings)
        return
    from deepwas_app.workflow.studies.munge import munge

    made = follow(munge, part(settings, MungeSettings), quiet=settings.json)
    gwas = made.gwas
    if settings.json:
        print_json(
            {
                "path": str(made.path),
                "variants": len(made.table),
                "format": gwas["format"],
                "understood": gwas["understood"],
                "sample_size": gwas["sample_size"],
                "alignment": made.report,
                "warnings": made.warnings,
            }
        )
        return
    print_understood(gwas)
    print(f"N: {gwas['sample_size']}")
    print_report(made.report)
    print(f"{made.path}: {counted(len(made.table), 'variant')}")
    for warning in made.warnings:
        warn(warning)
