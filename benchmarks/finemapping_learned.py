"""Fine-mapping with learned priors: calibration used twice and cross-fitted, power beside pysusie.

    python benchmarks/finemapping_learned.py [--pysusie PYTHON] -o FILE

Studies are those of people.py, with an LD panel of 500 other people: 1% of the variants are causal,
placed by a log-linear prior of annotations with an interaction, at a mean chi2 of 3.5. A share of
the genetic variance, POLYGENIC, is of small effects of all variants, placed by the same prior.
Priors are trained by ``deepwas train``, on all chromosomes (twice: they saw the locus), or as well
without the odd and the even ones (crossed); ``deepwas finemap --all`` does the rest.

PRIOR
    Of a run, and of the linear one, crossed, once more with ``--background learned``; the PIPs of
    the sparse posterior of effects (``export --posterior sparse``) under the linear prior, crossed,
    without sets; uniform (of the same program); or pysusie (``susie_rss``, ten effects, LD of the
    panel as it is), with uniform weights and with those of the linear prior, crossed. For pysusie:
    an interpreter that has it (--pysusie).
quantities
    As of finemapping_people.py, over all LD blocks of the studies.
"""

import subprocess
import tempfile
from pathlib import Path

import command
import numpy as np
import pandas as pd
import people
from finemapping_people import measured

PANEL = 500
CHI2 = 3.5
PRIORS = {
    "linear": ("--prior", "linear"),
    "MLP M": ("--prior", "mlp", "--size", "M"),
    "MLP L": ("--prior", "mlp", "--size", "L"),
}
CROSSED = {"twice": (), "crossed": ("--folds", "chromosomes")}
WEIGHTS = "linear, crossed"
PYSUSIE = """
import sys, numpy as np
from pysusie import susie_rss, susie_get_pip
with np.load(sys.argv[1]) as f:
    starts, z, n, weights = f["starts"], f["z"], int(f["n"]), f["weights"]
    blocks = [f[f"X{i}"] for i in range(len(starts))]
pip, set_ = np.zeros(len(z)), np.zeros(len(z), int)
bad = 0
for X, start in zip(blocks, starts):
    own = slice(start, start + X.shape[1])
    R = np.corrcoef(X.astype(float), rowvar=False)
    fit = susie_rss(z=z[own], R=R, n=n, L=10, prior_weights=weights[own])
    pip[own] = susie_get_pip(fit)
    bad += not fit.converged
    for members in fit.sets["cs"] or []:
        set_[start + np.asarray(members)] = set_.max() + 1
np.savez(sys.argv[2], pip=pip, set_=set_, bad=bad)
"""


def draw(world: people.World, polygenic: float, rng: np.random.Generator):
    """Effects per s.d. of the genotype up to a factor, and which are of causal variants."""
    sparse = people.draw_effects(world, "1%, annotated", rng)
    behind = people.draw_effects(world, "all, annotated", rng)
    scale = np.sqrt(polygenic / (1 - polygenic) * (sparse**2).sum() / (behind**2).sum())
    return sparse + scale * behind, sparse != 0


def fitted(causal: np.ndarray, pip: np.ndarray, member: np.ndarray, converged: bool):
    """PIPs, causal variants, what sets hold and their sizes, as `measured` takes them."""
    pip, member = np.nan_to_num(pip), np.nan_to_num(member).astype(int)
    sizes = np.bincount(member)[1:]
    hits = np.bincount(member, causal)[1:]
    return pip, causal, hits[sizes > 0] > 0, sizes[sizes > 0], converged


def by_pysusie(python: Path, world: people.World, panel, z, n, weights, folder: Path):
    """PIP and number of the credible set of every variant."""
    parts, starts, at = {}, [], 0
    for genotypes, c in zip(panel, world.chromosomes, strict=True):
        for part in np.split(np.arange(genotypes.shape[1]), c.starts[1:]):
            parts[f"X{len(starts)}"] = people.standardised(genotypes[:, part]) / np.sqrt(PANEL)
            starts.append(at + part[0])
        at += genotypes.shape[1]
    np.savez(folder / "in.npz", starts=starts, z=z, n=n, weights=weights, **parts)
    words = [python, "-c", PYSUSIE, folder / "in.npz", folder / "out.npz"]
    subprocess.run(words, check=True, capture_output=True)
    with np.load(folder / "out.npz") as found:
        return found["pip"], found["set_"], not found["bad"]


def fine_mapped(world: people.World, commands: people.Commands, run: str, causal, *words: str):
    """The whole study under a run: its table, what `measured` takes, convergence by prior."""
    commands.run(
        people.DEEPWAS, "finemap", run, "--all", *words, "-o", "pips.tsv", "--fits", "fits.tsv"
    )
    table = pd.read_csv(commands.folder / "pips.tsv", sep="\t").set_index("SNP")
    table = table.reindex(world.table["SNP"])
    ended = pd.read_csv(commands.folder / "fits.tsv", sep="\t")
    good = ended["CONVERGED"].astype(str).eq("True").groupby(ended["PRIOR"]).all()
    pips = table["PIP"].to_numpy(), table["CREDIBLE_SET"].to_numpy()
    return table, fitted(causal, *pips, good["model"]), good


def one_study(world: people.World, seed: int, polygenic: float, options, say):
    """Fits by name of the prior."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        panel = people.write_panel(world, folder, rng, PANEL)
        people.write_annotations(world, folder)
        effects, causal = draw(world, polygenic, rng)
        z, n, _ = people.run_gwas(world, effects, CHI2, rng)
        people.write_gwas(world, z, n, folder)
        commands = people.Commands(folder)
        commands.run(people.DEEPWAS, "ld", "--bfile", "panel", "-o", "p.ld.zarr")
        commands.run(
            people.DEEPWAS, "study", "--sumstats", "gwas.tsv", "--ld", "p.ld.zarr",
            "--annotations", "annotations.tsv", "-o", "s.study.zarr",
        )  # fmt: skip
        for prior in options.priors:
            for use, folds in CROSSED.items():
                run = f"{prior} {use}.run".replace(" ", "_")
                commands.run(
                    people.DEEPWAS, "train", "s.study.zarr", *PRIORS[prior], *folds, "--alpha", "0",
                    "--test-chromosomes", "none", "-o", run,
                )  # fmt: skip
                table, pips, good = fine_mapped(world, commands, run, causal)
                say(f"{prior}, {use}")
                yield f"{prior}, {use}", pips
                if f"{prior}, {use}" == WEIGHTS:
                    commands.run(
                        people.DEEPWAS, "export", run, "--posterior-effects", "w.tsv",
                        "--posterior", "sparse",
                    )  # fmt: skip
                    found = pd.read_csv(folder / "w.tsv", sep="\t").set_index("SNP")
                    pip = found["PIP"].reindex(world.table["SNP"]).to_numpy()
                    yield "sparse posterior", fitted(causal, pip, 0 * pip, True)
                    words = "--background", "learned"
                    _, pips, _ = fine_mapped(world, commands, run, causal, *words)
                    yield f"{WEIGHTS}, background learned", pips
                    weights = table["SNPVAR"].fillna(table["SNPVAR"].min()).to_numpy()
                    pips = table["PIP_UNIFORM"], table["CREDIBLE_SET_UNIFORM"]
                    yield "uniform", fitted(causal, *pips, good["uniform"])
        if options.pysusie:
            tried = {"pysusie": np.ones(len(z)), f"pysusie, {WEIGHTS}": weights}
            for method, w in tried.items():
                found = by_pysusie(options.pysusie, world, panel, z, n, w / w.sum(), folder)
                say(method)
                yield method, fitted(causal, *found)


def main() -> None:
    parser = command.parser(seed=11)
    parser.set_defaults(chromosomes=12)
    parser.add_argument("--studies", type=int, default=3)
    parser.add_argument("--polygenic", type=float, nargs="+", default=(0.0, 0.2))
    parser.add_argument("--priors", nargs="+", default=list(PRIORS), choices=PRIORS)
    parser.add_argument("--pysusie", type=Path, help="interpreter that has it")
    options = parser.parse_args()
    say = command.clock()
    fits: dict[tuple[float, str], list] = {}
    for seed in range(options.seed, options.seed + options.studies):
        world = people.make_world(2 if options.quick else options.chromosomes, seed)
        for polygenic in options.polygenic:
            for method, fit in one_study(world, seed, polygenic, options, say):
                fits.setdefault((polygenic, method), []).append(fit)
    tables = []
    for (polygenic, method), several in sorted(fits.items(), key=lambda item: item[0][0]):
        table = pd.DataFrame(measured(several))
        table.insert(0, "POLYGENIC", polygenic)
        table.insert(1, "PRIOR", method)
        table.insert(2, "STUDIES", len(several))
        tables.append(table)
    pd.concat(tables).to_csv(
        options.output, sep="\t", index=False, na_rep="NA", float_format="%.4g"
    )


if __name__ == "__main__":
    main()
