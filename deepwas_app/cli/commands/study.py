"""``deepwas study``: a study."""

import param

from deepwas_app.cli.output import follow, print_json, print_report, warn
from deepwas_app.cli.understood import dry_run, print_understood
from deepwas_app.workflow.settings.base import part
from deepwas_app.workflow.settings.data import StudySettings
from deepwas_app.workflow.settings.shared import LAST, OUTPUT, DryRun, JsonOutput

__all__ = ["Settings", "run"]


class Settings(StudySettings, DryRun, JsonOutput):
    """Knobs of the command."""

    # Not needed where nothing is written.
    output = param.String("", doc=StudySettings.param.output.doc, precedence=LAST, metadata=OUTPUT)


def run(settings: Settings) -> None:
    """Write the study and say what became of the variants."""
    if settings.dry_run:
        dry_run(settings)
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
    print_understood(gwas)
    print(f"N: {gwas['sample_size']}")
    print_report(report)
    print("\n".join([*notes, f"{path}: {study.sizes['annotations']} annotations"]))
    for warning in warnings:
        warn(warning)
