"""``deepwas score``: polygenic scores of genotyped people."""

from pathlib import Path

from deepwas_app.cli.output import follow, print_json, say
from deepwas_app.errors import InputError
from deepwas_app.workflow.settings.results import ScoreSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write a row a person; say how many variants matched, and what the scores predict."""
    from deepwas_app.workflow.results.accuracy import (
        ACCURACY,
        DECILES,
        DIFFERENCES,
        accuracy_lines,
        difference_lines,
    )
    from deepwas_app.workflow.results.score import (
        SCORES,
        report_lines,
        score_people,
    )
    from deepwas_app.workflow.tables import check_folder, write_text

    further = {name: getattr(settings, name) for name in ("accuracy", "differences", "deciles")}
    for name, path in further.items():
        if path and not settings.pheno:
            raise InputError(f"--{name} {path}: is by a phenotype. Give one with --pheno.")
        if path not in ("", "-"):
            check_folder(Path(path).expanduser())
    if [settings.output, *further.values()].count("-") > 1:
        raise InputError("score: two tables for one screen. Name a file with -o.")
    files = settings.weights, settings.bfile, settings.pheno or None
    scored = follow(
        score_people, *files, pfile=settings.pfile, settings=settings, quiet=settings.json
    )
    write_text(SCORES.text(scored.table), settings.output)
    for line in report_lines(scored):
        say(line)
    report = {
        "people": len(scored.table) // len(scored.weights),
        "variants": scored.report,
        "weights": [one._asdict() for one in scored.weights],
    }
    if scored.judged is not None and scored.accuracy is not None:
        for line in accuracy_lines(scored.judged) + difference_lines(scored.judged):
            say(line)
        report["accuracy"] = scored.accuracy._asdict()
        for name, table, frame in (
            ("measures", ACCURACY, scored.judged.measures),
            ("differences", DIFFERENCES, scored.judged.differences),
            ("deciles", DECILES, scored.judged.deciles),
        ):
            path = further["accuracy" if name == "measures" else name]
            if path:
                write_text(table.text(frame), path)
            report[name] = table.records(frame)
    if settings.json:
        print_json(report)
