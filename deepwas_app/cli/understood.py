"""What is understood of a GWAS file, as commands say it."""

from typing import Any

from deepwas_app.cli.output import print_json, say


def dry_run(settings: Any) -> None:
    """Say what is understood, and then what must be said by hand, if anything."""
    from deepwas_app.errors import InputError
    from deepwas_app.genetics.patterns import expand
    from deepwas_app.workflow.studies.understood import understood_of

    meaning = understood_of(settings, expand(settings.sumstats)[0], settings.build)
    told = {"path": str(meaning.path), "format": meaning.format, "understood": meaning.rows}
    if settings.json:
        print_json(told | {"in_doubt": meaning.doubt, "asks": meaning.asks})
    else:
        print_understood(told)
        if not meaning.tells_people and not (settings.n or settings.cases):
            say("It has no sample sizes. Give --n, or --cases and --controls.")
        if meaning.doubt:
            say(f"{meaning.doubt} Frequencies are compared with the panel's before that is asked.")
    if meaning.asks:
        raise InputError(meaning.asks[0])


def print_understood(record: dict[str, Any]) -> None:
    """Print what was understood, a column a line."""
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
