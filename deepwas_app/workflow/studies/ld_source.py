"""Which LD source the settings name, opened."""

from deepwas_app.errors import InputError
from deepwas_app.genetics.ld.sources.base import LD_SOURCES, LdSource, check_foreign
from deepwas_app.genetics.patterns import only
from deepwas_app.workflow.settings import PanelSettings


def open_ld_source(settings: PanelSettings) -> LdSource:
    """Open the one LD source that the settings name.

    Raises
    ------
    InputError
        If none or several are named, or a setting does not fit the source.
    """
    named = [name for name in LD_SOURCES if getattr(settings, name)]
    if not named:
        raise InputError(
            "no LD source: name PLINK genotypes with --bfile PREFIX, or another source with "
            + ", ".join(f"--{name}" for name in LD_SOURCES if name != "bfile")
        )
    if len(named) > 1:
        raise InputError(
            f"several LD sources: {' and '.join(f'--{name}' for name in named)}. Name one."
        )
    kind = LD_SOURCES[named[0]]
    if settings.blocks and not kind.blocks:
        raise InputError(
            f"{settings.blocks}: --{kind.name} has LD blocks of its own. Leave out --blocks."
        )
    if settings.keep and not kind.people:
        raise InputError(f"{settings.keep}: --{kind.name} has no people. Leave out --keep.")
    given = getattr(settings, kind.name)
    # Genotypes are several files by themselves.
    given = given if kind.several or kind.people else only(given)
    for path in given if kind.several else [given]:
        check_foreign(path)
    return kind.open(given, settings)
