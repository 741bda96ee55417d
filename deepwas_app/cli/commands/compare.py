"""``deepwas compare``: two runs of one study."""

from deepwas_app.cli.output import print_json, say, warn
from deepwas_app.workflow.settings.results import CompareSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write the difference in held-out log-likelihood."""
    from deepwas_app.workflow.results.compare import COMPARISON, compare, difference_line
    from deepwas_app.workflow.results.locus import opened
    from deepwas_app.workflow.results.selection import trained_apart
    from deepwas_app.workflow.tables import write_text

    (study, first), (_, second) = (
        opened(settings.study or None, path) for path in (settings.first, settings.second)
    )
    table = compare(study, first, second)
    write_text(COMPARISON.text(table), settings.output)
    whole = table.iloc[0].to_dict()
    say(difference_line(table, first.name, second.name))
    for words in trained_apart((first, second)):
        warn(words)
    if settings.json:
        print_json(
            {
                "first": first.name,
                "second": second.name,
                "variants": whole["VARIANTS"],
                "blocks": whole["BLOCKS"],
                "difference": whole["DIFFERENCE_NATS"],
                "difference_se": whole["DIFFERENCE_NATS_SE"],
            }
        )
