"""``deepwas finemap``: inclusion probabilities and credible sets of a region."""

from deepwas_app.cli.output import follow, print_json, say
from deepwas_app.workflow.settings.results import FineMapSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Write a row a variant; say what the credible sets are, and whether the fits converged."""
    from deepwas_app.genetics.regions import parse_region
    from deepwas_app.workflow.results.finemap import (
        CREDIBLE_SETS,
        FINE_MAPPING,
        FITS,
        fine_map,
    )
    from deepwas_app.workflow.results.locus import opened
    from deepwas_app.workflow.runs.doubted import run_warnings
    from deepwas_app.workflow.runs.folds import provenance
    from deepwas_app.workflow.tables import write_text

    study, run = opened(settings.study or None, settings.run_path)
    region = parse_region(settings.region, study)
    found = follow(fine_map, study, run, region, settings, quiet=settings.json)
    if settings.sets:
        write_text(CREDIBLE_SETS.text(found.sets), settings.sets)
    if settings.fits:
        write_text(FITS.text(found.fits), settings.fits)
    write_text(FINE_MAPPING.text(found.table), settings.output)
    say(provenance(study, run))
    for fit in found.fits.to_dict("records"):
        ended = "converged" if fit["CONVERGED"] else "DID NOT CONVERGE"
        full = fit["EFFECTS"] > settings.effects - 0.5
        say(
            f"{fit['PRIOR']} prior, LD block {fit['BLOCK']}: {fit['EFFECTS']:.1f} causal variants "
            f"expected, {fit['SETS']} credible sets, {ended} in {fit['PASSES']} passes"
            + (": as many as are allowed, raise --effects" if full else "")
        )
    for row in found.sets.to_dict("records"):
        say(
            f"{row['PRIOR']} prior, credible set {row['CREDIBLE_SET']}: {row['VARIANTS']} variants"
            f", purity {row['PURITY']:.2f}, led by {row['LEAD_SNP']} (PIP {row['LEAD_PIP']:.2f})"
        )
    if settings.json:
        print_json(
            {
                "region": str(region),
                "variants": len(found.table),
                "warnings": run_warnings(run),
                "sets": CREDIBLE_SETS.records(found.sets),
                "fits": FITS.records(found.fits),
            }
        )
