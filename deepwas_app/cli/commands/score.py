"""``deepwas score``: polygenic scores of genotyped people."""

from deepwas_app.cli.output import follow, print_json, say
from deepwas_app.workflow.settings.results import ScoreSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write a row a person; say how many variants matched, and what the score predicts."""
    from deepwas_app.workflow.results.score import (
        SCORES,
        accuracy_line,
        report_line,
        score_people,
    )
    from deepwas_app.workflow.tables import write_text

    files = settings.weights, settings.bfile, settings.pheno or None
    scored = follow(
        score_people, *files, pfile=settings.pfile, settings=settings, quiet=settings.json
    )
    write_text(SCORES.text(scored.table), settings.output)
    for line in (report_line(scored), *scored.notes):
        say(line)
    found = scored.accuracy
    if found:
        say(accuracy_line(found))
    if settings.json:
        report = {"people": len(scored.table), "variants": scored.report}
        print_json(report | ({"accuracy": found._asdict()} if found else {}))
