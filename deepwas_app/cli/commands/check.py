"""``deepwas check``: LD of a study against its z-scores, and LD score regression."""

from deepwas_app.cli.output import print_json, say
from deepwas_app.counting import counted
from deepwas_app.workflow.settings.results import CheckSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Say whether the LD fits as a whole and what LD score regression finds; write the blocks."""
    from deepwas_app.workflow.results.ldsc import LDSC, ldsc, sentence
    from deepwas_app.workflow.results.mismatch import LD_MISMATCH, checked
    from deepwas_app.workflow.studies.builtin import open_study
    from deepwas_app.workflow.tables import write_text

    study = open_study(settings.study)
    fit, table = checked(study, settings.run_path or None)
    say(fit.message)
    flagged = table[table["flagged"]]
    blocks = counted(len(table), "LD block")
    say(f"{study.attrs['path']}: {len(flagged)} of {blocks} do not fit the GWAS")
    regression = ldsc(
        study,
        settings.run_path or None,
        prevalence=settings.prevalence,
        case_fraction=settings.case_fraction,
    )
    say(sentence(regression))
    if remark := "".join(regression.get("remark", [])):
        say(remark)
    shown = table if settings.all else flagged
    if not settings.json or settings.output != "-":
        write_text(LD_MISMATCH.text(shown), settings.output)
    if settings.json:
        (of_study,) = LDSC.records(regression)
        print_json({"ld": fit._asdict(), "blocks": LD_MISMATCH.records(shown), "ldsc": of_study})
