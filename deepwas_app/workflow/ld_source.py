"""Which LD source the settings name, opened."""

from deepwas_app.errors import InputError
from deepwas_app.genetics.blocks import read_blocks
from deepwas_app.genetics.files import file_record
from deepwas_app.genetics.sources.base import LdSource
from deepwas_app.genetics.sources.dense import open_dense
from deepwas_app.genetics.sources.eigen import open_eigen
from deepwas_app.genetics.sources.genotypes import open_genotypes
from deepwas_app.genetics.sources.ldgm import open_ldgm
from deepwas_app.genetics.sources.prscs import open_prscs
from deepwas_app.genetics.sources.ukb import open_ukb
from deepwas_app.workflow.settings import PanelSettings

SOURCES = ("bfile", "pfile", "sbayesrc", "ukbb", "ldgm", "prscs", "dense")
_CUT = ("bfile", "pfile", "dense")


def open_ld_source(settings: PanelSettings) -> LdSource:
    """Open the one LD source that the settings name.

    Raises
    ------
    InputError
        If none or several are named, or a setting does not fit the source.
    """
    named = [name for name in SOURCES if getattr(settings, name)]
    if not named:
        raise InputError(
            "no LD source: name PLINK genotypes with --bfile PREFIX, or another source with "
            + ", ".join(f"--{name}" for name in SOURCES[1:])
        )
    if len(named) > 1:
        raise InputError(
            f"several LD sources: {' and '.join(f'--{name}' for name in named)}. Name one."
        )
    (kind,) = named
    if settings.blocks and kind not in _CUT:
        raise InputError(
            f"{settings.blocks}: --{kind} has LD blocks of its own. Leave out --blocks."
        )
    if kind in ("bfile", "pfile"):
        return open_genotypes(settings.bfile, settings.pfile, settings.blocks, settings.max_block)
    if kind == "dense":
        return _dense(settings)
    if kind == "ldgm":
        return open_ldgm(settings.ldgm, settings.population, settings.people)
    opening = {"sbayesrc": open_eigen, "ukbb": open_ukb, "prscs": open_prscs}[kind]
    return opening(getattr(settings, kind), settings.people)


def _dense(settings: PanelSettings) -> LdSource:
    blocks = read_blocks(settings.blocks) if settings.blocks else None
    source = open_dense(settings.dense, settings.variants, settings.people, blocks)
    if settings.blocks:
        source.records.append(file_record(settings.blocks, "BED", "LD blocks"))
    return source
