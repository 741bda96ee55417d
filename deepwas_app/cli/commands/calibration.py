"""``deepwas calibration``: whether a learned prior is right where it was held out."""

from deepwas_app.cli.output import print_json, say
from deepwas_app.workflow.settings.results import CalibrationSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write a row a set of variants."""
    from deepwas_app.workflow.results.calibration import CALIBRATION, calibration, truth_error
    from deepwas_app.workflow.tables import write_text

    study, path = settings.study or None, settings.run_path
    table, off = calibration(study, path), truth_error(study, path)
    if off is not None:
        say(
            f"log heritability is off by {off['mean_absolute']:.3f} (mean absolute) and "
            f"{off['root_mean_square']:.3f} (root mean square) from the truth"
        )
    if not settings.json or settings.output != "-":
        write_text(CALIBRATION.text(table), settings.output)
    if settings.json:
        print_json({"sets": CALIBRATION.records(table), "log_error": off})
