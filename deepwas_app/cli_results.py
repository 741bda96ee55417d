"""The commands for what people carry away from a fitted run: priors, weights, scores, comparisons.

``cli`` adds them to its own; each turns flags into one call and writes a table.
"""

from collections.abc import Callable
from functools import partial

from deepwas_app.cli_shared import (
    AddCommand,
    add_json,
    add_output,
    add_run,
    add_study,
    print_json,
    say,
)
from deepwas_app.errors import InputError


def add_commands(command: AddCommand, follow: Callable) -> None:
    """Add export, finemap, explain, score and compare to the parser.

    `follow` runs a job to its end.
    """
    export = command("export", _export, "Write a run's prior and weights for other tools.")
    add_run(export)
    export.add_argument("--snpvar", metavar="F", help="Per-variant heritability, PolyFun's layout.")
    export.add_argument(
        "--floor", action="store_true", help="Keep max/min of SNPVAR within 100, as PolyFun does."
    )
    export.add_argument("--weights", metavar="F", help="Polygenic score weights per allele.")
    export.add_argument("--pgs-catalog", metavar="F", help="Scoring file of the PGS Catalog.")
    export.add_argument("--susie", metavar="F", help="Prior weights of a region, summing to 1.")
    export.add_argument("--region", metavar="REGION", help="For --susie: 22:30500000-31500000.")

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
    wanted = (options.snpvar, options.weights, options.pgs_catalog, options.susie)
    if not any(wanted):
        raise InputError(
            "export: nothing to write. Name a file with --snpvar, --weights, --pgs-catalog or "
            "--susie."
        )
    if options.susie and not options.region:
        raise InputError("export: --susie needs a region, such as --region 22:30500000-31500000.")
    if options.floor and not options.snpvar:
        raise InputError("export: --floor goes with --snpvar. Name its file.")
    from deepwas_app.genetics.regions import parse_region
    from deepwas_app.workflow import exports
    from deepwas_app.workflow.locus import open_run_with_study
    from deepwas_app.workflow.tables import write_text

    run, study = open_run_with_study(options.run_path, options.study)
    region = parse_region(options.region, study) if options.susie else None
    texts: list[tuple[str, str, int]] = []
    if options.snpvar:
        table = exports.snpvar_table(study, run, floor=options.floor)
        texts.append((options.snpvar, exports.snpvar_text(table), len(table)))
    if region is not None:
        table = exports.prior_weights(study, run, region)
        texts.append((options.susie, exports.prior_weights_text(table), len(table)))
    if options.weights or options.pgs_catalog:
        table = exports.pgs_weights(study, run)
        if options.weights:
            texts.append((options.weights, exports.weights_text(table), len(table)))
        if options.pgs_catalog:
            text = exports.pgs_catalog_text(table, study, run)
            texts.append((options.pgs_catalog, text, len(table)))
    for path, text, variants in texts:
        write_text(text, path)
        say(f"{path}: {variants} variants")


def _finemap(follow: Callable, options) -> None:
    from deepwas_app.genetics.regions import parse_region
    from deepwas_app.workflow.finemap import (
        credible_sets_text,
        fine_map,
        fine_mapping_text,
        fits_text,
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
        write_text(credible_sets_text(found), options.sets)
    if options.fits:
        write_text(fits_text(found), options.fits)
    write_text(fine_mapping_text(found), options.output)
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
                "sets": found.sets.to_dict("records"),
                "fits": found.fits.to_dict("records"),
            }
        )


def _explain(options) -> None:
    from deepwas_app.workflow.interpret import drivers_text, variant_drivers
    from deepwas_app.workflow.locus import open_run_with_study
    from deepwas_app.workflow.tables import write_text

    run, study = open_run_with_study(options.run_path, options.study)
    table = variant_drivers(study, run, options.variant)
    write_text(drivers_text(table), options.output)
    say(
        f"{options.variant}: prior heritability {table['FOLD'].prod():.3g} times that of a variant "
        f"with mean annotations; most of it by {table['INPUT'][0]} ({table['FOLD'][0]:.3g} times)"
    )


def _score(follow: Callable, options) -> None:
    from deepwas_app.workflow.score import (
        accuracy_line,
        report_line,
        score_people,
        scores_text,
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
    write_text(scores_text(scored), options.output)
    say(report_line(scored))
    found = scored.accuracy
    if found:
        say(accuracy_line(found))
    if options.json:
        report = {"people": len(scored.table), "variants": scored.report}
        print_json(report | ({"accuracy": found._asdict()} if found else {}))


def _compare(options) -> None:
    from deepwas_app.workflow.compare import compare, comparison_text, difference_line
    from deepwas_app.workflow.locus import open_run_with_study
    from deepwas_app.workflow.tables import write_text

    (first, study), (second, _) = (
        open_run_with_study(path, options.study) for path in (options.first, options.second)
    )
    table = compare(study, first, second)
    write_text(comparison_text(table), options.output)
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
