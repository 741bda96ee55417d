"""``deepwas study``: a study."""

from deepwas_app.cli.output import follow, print_json, print_report, say
from deepwas_app.workflow.settings.data import StudySettings
from deepwas_app.workflow.settings.shared import JsonOutput

__all__ = ["Settings", "run"]


class Settings(StudySettings, JsonOutput):
    """Knobs of the command."""


def run(settings: Settings) -> None:
    """Write the study and say what became of the variants."""
    from deepwas_app.genetics.store import open_study_store
    from deepwas_app.workflow.studies.build import build_study
    from deepwas_app.workflow.studies.gwas import mapping_line
    from deepwas_app.workflow.studies.ld_fit import ld_warnings

    path = follow(build_study, settings, quiet=settings.json)
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
                "columns": gwas["columns"],
                "sample_size": gwas["sample_size"],
                "alignment": report,
                "annotation_notes": notes,
                "warnings": warnings,
            }
        )
        return
    print(mapping_line(gwas))
    print_report(report)
    print("\n".join([*notes, f"{path}: {study.sizes['annotations']} annotations"]))
    for warning in warnings:
        say(f"warning: {warning}")
