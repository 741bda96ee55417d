"""``deepwas finemap``: inclusion probabilities and credible sets of a region, or of a study."""

from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

from deepwas_app.cli.output import follow, print_json, say
from deepwas_app.counting import counted
from deepwas_app.errors import InputError
from deepwas_app.workflow.settings.results import FineMapSettings as Settings

if TYPE_CHECKING:
    import pandas as pd

    from deepwas_app.workflow.results.finemap import FineMapping

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write a row a variant; say what the credible sets are, and whether the fits converged."""
    from deepwas_app.genetics.regions import parse_region
    from deepwas_app.workflow.results.credible_sets import (
        CREDIBLE_SETS,
        H2_IN_SETS,
        SUSIE,
        heritability_in_sets,
        susie_sets,
        write_study_loci,
    )
    from deepwas_app.workflow.results.finemap import FINE_MAPPING, FITS, fine_map
    from deepwas_app.workflow.results.locus import opened
    from deepwas_app.workflow.runs.doubted import run_warnings
    from deepwas_app.workflow.runs.folds import provenance
    from deepwas_app.workflow.tables import write_text

    if bool(settings.region) == settings.all:
        raise InputError("give --region, or --all for the whole study.")
    study, run = opened(settings.study or None, settings.run_path)
    region = None if settings.all else parse_region(settings.region, study)
    kept = Path(f"{settings.output}.parts") if settings.all and settings.output != "-" else None
    found = follow(fine_map, study, run, region, settings, kept, quiet=settings.json)
    if settings.sets:
        write_text(CREDIBLE_SETS.text(found.sets), settings.sets)
    if settings.fits:
        write_text(FITS.text(found.fits), settings.fits)
    if settings.susie:
        write_text(SUSIE.text(susie_sets(found.sets, found.loci)), settings.susie)
    if settings.study_locus:
        write_study_loci(study, found.sets, found.loci, settings.study_locus)
    write_text(FINE_MAPPING.texts(found.table), settings.output)
    if kept:
        rmtree(kept)
    say(provenance(study, run))
    say(found.causal.words)
    shares = heritability_in_sets(study, run, found.sets) if settings.all else None
    details = _details(found, settings.effects) if shares is None else _summary(found, shares)
    for line in details:
        say(line)
    if settings.study_locus and study.attrs["genome_build"] != "hg38":
        say(f"{settings.study_locus}: positions are on {study.attrs['genome_build']}, not on hg38")
    if settings.json:
        print_json(
            {
                "region": "all" if region is None else str(region),
                "variants": len(found.table),
                "warnings": run_warnings(run),
                "causal": {
                    "expected": found.causal.mean,
                    "learned_from": found.causal.learned_from,
                },
                "sets": CREDIBLE_SETS.records(found.sets),
                "fits": FITS.records(found.fits),
            }
            | ({} if shares is None else {"h2_in_sets": H2_IN_SETS.records(shares)})
        )


def _details(found: "FineMapping", effects: int) -> Iterator[str]:
    """How each fit ended, and each credible set."""
    for fit in found.fits.to_dict("records"):
        ended = "converged" if fit["CONVERGED"] else "DID NOT CONVERGE"
        full = fit["EFFECTS"] > effects - 0.5
        yield (
            f"{fit['PRIOR']} prior, LD block {fit['BLOCK']}: {fit['EFFECTS']:.1f} causal variants "
            f"expected, {fit['SETS']} credible sets, {ended} in {fit['PASSES']} passes"
            + (": as many as are allowed, raise --effects" if full else "")
        )
    for row in found.sets.to_dict("records"):
        yield (
            f"{row['PRIOR']} prior, credible set {row['CREDIBLE_SET']}: {row['VARIANTS']} variants"
            f", purity {row['PURITY']:.2f}, led by {row['LEAD_SNP']} (PIP {row['LEAD_PIP']:.2f})"
        )


def _summary(found: "FineMapping", shares: "pd.DataFrame") -> Iterator[str]:
    """What was found in all LD blocks, a line a prior."""
    share = shares.set_index("PRIOR")["SHARE"]
    for prior, fits in found.fits.groupby("PRIOR", sort=False):
        sets = found.sets[found.sets["PRIOR"] == prior]
        pip = found.table["PIP" if prior == "model" else "PIP_UNIFORM"]
        ended = int((~fits["CONVERGED"].astype(bool)).sum())
        yield (
            f"{prior} prior: {counted(len(fits), 'LD block')}, "
            f"{counted(len(sets), 'credible set')}, {int((sets['VARIANTS'] == 1).sum()):,} of one "
            f"variant; {counted(int((pip > 0.95).sum()), 'variant')} with PIP above 0.95; "
            f"{share[prior]:.1%} of heritability is in the sets; "
            f"{counted(ended, 'fit')} DID NOT CONVERGE"
        )
