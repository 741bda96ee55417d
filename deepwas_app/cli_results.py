"""The commands for what people carry away from a fitted run: priors, weights, scores, comparisons.

``cli`` adds them to its own; each turns flags into one call and writes a table.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from deepwas_app.cli_shared import (
    AddCommand,
    add_json,
    add_output,
    add_run,
    add_settings,
    add_study,
    given,
    print_json,
    read_settings,
    say,
)
from deepwas_app.errors import InputError
from deepwas_app.workflow.exports import EXPORTS, Export


def add_commands(command: AddCommand, follow: Callable) -> None:
    """Add export, finemap, explain, score and compare to the parser.

    `follow` runs a job to its end.
    """
    export = command("export", _export, "Write a run's prior and weights for other tools.")
    add_run(export)
    for entry in EXPORTS.values():
        export.add_argument(f"--{entry.name}", metavar="F", help=entry.doc)
        add_settings(export, entry.options)
    regional = ", ".join(f"--{entry.name}" for entry in EXPORTS.values() if entry.region)
    export.add_argument("--region", metavar="REGION", help=f"For {regional}: 22:30500000-31500000.")

    finemap = command(
        "finemap",
        partial(_finemap, follow),
        "Inclusion probabilities and credible sets of a region.",
    )
    add_run(finemap)
    finemap.add_argument(
        "--region", required=True, metavar="REGION", help="1-based: 22:30500000-31500000."
    )
    finemap.add_argument(
        "--effects", type=int, default=10, help="Most causal variants an LD block. Default 10."
    )
    finemap.add_argument(
        "--causal", type=float, default=2.0, help="How many are expected a block. Default 2."
    )
    finemap.add_argument(
        "--coverage", type=float, default=0.95, help="Of the credible sets. Default 0.95."
    )
    finemap.add_argument(
        "--purity", type=float, default=0.5, help="Least correlation within a set. Default 0.5."
    )
    finemap.add_argument("--sets", metavar="F", help="Credible sets, one a row.")
    finemap.add_argument("--fits", metavar="F", help="Effects and convergence by prior and block.")
    add_output(finemap)
    add_json(finemap, "Print credible sets and convergence as one JSON object last.")

    explain = command("explain", _explain, "Which annotations drive one variant's prior.")
    add_run(explain)
    explain.add_argument("--variant", required=True, metavar="ID", help="As in the study: rs9610.")
    add_output(explain)

    score = command("score", partial(_score, follow), "Polygenic scores of genotyped people.")
    score.add_argument(
        "--weights",
        required=True,
        metavar="F",
        help="SNP, A1 (effect allele), BETA (per copy of A1); or a PGS Catalog scoring file.",
    )
    score.add_argument(
        "--bfile", required=True, metavar="P", help="PLINK 1 genotypes, without .bed, .bim, .fam."
    )
    score.add_argument("--pheno", metavar="F", help="FID, IID and a phenotype, for R^2.")
    score.add_argument("--pheno-name", default="", metavar="COLUMN", help="Default: the first.")
    score.add_argument(
        "--skip-unknown", action="store_true", help="Leave out people without genotypes."
    )
    add_output(score)
    add_json(score, "Print counts and R^2 as one JSON object last.")

    compare = command(
        "compare",
        _compare,
        "Difference in held-out log-likelihood (nats, first minus second) between two runs of a "
        "study: whole, by chromosome, by LD block, the block that changed most first.",
    )
    compare.add_argument("first", metavar="A.run")
    compare.add_argument("second", metavar="B.run")
    add_study(compare)
    add_output(compare)
    add_json(compare, "Print the overall difference as one JSON object last.")


def _export(options) -> None:
    from deepwas_app.genetics.regions import parse_region
    from deepwas_app.workflow.locus import open_run_with_study
    from deepwas_app.workflow.tables import write_text

    files = {name: getattr(options, name.replace("-", "_")) for name in EXPORTS}
    wanted = [entry for name, entry in EXPORTS.items() if files[name]]
    _check_exports(options, wanted)
    run, study = open_run_with_study(options.run_path, options.study)
    regional = any(entry.region for entry in wanted)
    region = parse_region(options.region, study) if regional else None
    tables: dict[Any, Any] = {}
    texts: list[tuple[str, str, int]] = []
    for entry in wanted:
        arguments = entry.arguments(read_settings(options, entry.options), region)
        # Two files may be of one table.
        key = (entry.compute, repr(arguments))
        if key not in tables:
            tables[key] = entry.compute(study, run, **arguments)
        text = entry.written(tables[key], study, run)
        texts.append((files[entry.name], text, len(tables[key])))
    for path, text, variants in texts:
        write_text(text, path)
        say(f"{path}: {variants} variants")


def _check_exports(options, wanted: Sequence[Export]) -> None:
    """Raise InputError where flags do not go together."""
    if not wanted:
        *others, last = (f"--{name}" for name in EXPORTS)
        raise InputError(
            f"export: nothing to write. Name a file with {', '.join(others)} or {last}."
        )
    for entry in wanted:
        if entry.region and not options.region:
            raise InputError(
                f"export: --{entry.name} needs a region, such as --region 22:30500000-31500000."
            )
    for entry in EXPORTS.values():
        for name in {} if entry in wanted else given(options, entry.options):
            flag = name.replace("_", "-")
            raise InputError(f"export: --{flag} goes with --{entry.name}. Name its file.")


def _finemap(follow: Callable, options) -> None:
    from deepwas_app.genetics.regions import parse_region
    from deepwas_app.workflow.finemap import (
        CREDIBLE_SETS,
        FINE_MAPPING,
        FITS,
        fine_map,
    )
    from deepwas_app.workflow.locus import open_run_with_study
    from deepwas_app.workflow.tables import write_text

    good = options.effects >= 1 and options.causal > 0
    if not (good and 0 < options.coverage < 1 and 0 <= options.purity <= 1):
        raise InputError(
            "finemap: --effects is at least 1, --causal above 0, --coverage between 0 and 1, "
            "--purity from 0 to 1."
        )
    run, study = open_run_with_study(options.run_path, options.study)
    region = parse_region(options.region, study)
    job = fine_map.steps(
        study,
        run,
        region,
        effects=options.effects,
        causal=options.causal,
        coverage=options.coverage,
        purity=options.purity,
    )
    found = follow(job, quiet=options.json)
    if options.sets:
        write_text(CREDIBLE_SETS.text(found.sets), options.sets)
    if options.fits:
        write_text(FITS.text(found.fits), options.fits)
    write_text(FINE_MAPPING.text(found.table), options.output)
    for fit in found.fits.to_dict("records"):
        ended = "converged" if fit["CONVERGED"] else "DID NOT CONVERGE"
        full = fit["EFFECTS"] > options.effects - 0.5
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
    if options.json:
        print_json(
            {
                "region": str(region),
                "variants": len(found.table),
                "sets": CREDIBLE_SETS.records(found.sets),
                "fits": FITS.records(found.fits),
            }
        )


def _explain(options) -> None:
    from deepwas_app.workflow.interpret import DRIVERS, variant_drivers
    from deepwas_app.workflow.locus import open_run_with_study
    from deepwas_app.workflow.tables import write_text

    run, study = open_run_with_study(options.run_path, options.study)
    table = variant_drivers(study, run, options.variant)
    write_text(DRIVERS.text(table), options.output)
    say(
        f"{options.variant}: prior heritability {table['FOLD'].prod():.3g} times that of a variant "
        f"with mean annotations; most of it by {table['INPUT'][0]} ({table['FOLD'][0]:.3g} times)"
    )


def _score(follow: Callable, options) -> None:
    from deepwas_app.workflow.score import (
        SCORES,
        accuracy_line,
        report_line,
        score_people,
    )
    from deepwas_app.workflow.tables import write_text

    job = score_people.steps(
        options.weights,
        options.bfile,
        options.pheno,
        pheno_name=options.pheno_name,
        skip_unknown=options.skip_unknown,
    )
    scored = follow(job, quiet=options.json)
    write_text(SCORES.text(scored.table), options.output)
    say(report_line(scored))
    found = scored.accuracy
    if found:
        say(accuracy_line(found))
    if options.json:
        report = {"people": len(scored.table), "variants": scored.report}
        print_json(report | ({"accuracy": found._asdict()} if found else {}))


def _compare(options) -> None:
    from deepwas_app.workflow.compare import COMPARISON, compare, difference_line
    from deepwas_app.workflow.locus import open_run_with_study
    from deepwas_app.workflow.tables import write_text

    (first, study), (second, _) = (
        open_run_with_study(path, options.study) for path in (options.first, options.second)
    )
    table = compare(study, first, second)
    write_text(COMPARISON.text(table), options.output)
    whole = table.iloc[0].to_dict()
    say(difference_line(table, first.name, second.name))
    if options.json:
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
