"""What priors and posteriors bring to people: prediction and causal variants, beside peers.

    python benchmarks/people.py [--viprs DIR] [--studies 3] -o benchmarks/people.tsv

Twelve chromosomes of a coalescent population (population.py) with 16 annotations. Those who are in
the GWAS, behind the LD and scored are different people. Everything goes through files and the
command line, as a person's own data would: PLINK genotypes of the LD panel, summary statistics,
annotations. Scores are judged by the genetic values of the whole population.

study
    Number of the population, which is simulated anew for each.
trait
    Which variants have effects, and whether annotations say where (log-linear, with an
    interaction).
r2, slope
    Squared correlation of the score with the genetic value; regression of the phenotype on the
    score, 1 where effects have the right size.
auprc
    Area under precision and recall of causal variants by PIP, for methods that give one.
seconds, gb
    Time of all commands that a method needs beside panel and study, and their largest memory.
methods
    ``C+T``: clumping (r^2 0.1, 250 kb) and the threshold that is best in the people who are
    scored; ``LDpred-inf``: with the true heritability, in the same LD blocks; ``viprs``: the
    program of that name with its defaults, LD of the same panel (--viprs: folder of viprs_fit and
    mgp_compute_ld). Others are ours, by prior and posterior.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import command
import numpy as np
import pandas as pd
from bed_reader import to_bed
from population import H2, Chromosome, genetic_parts, make_chromosome, phenotypes, standardised

from deepwas_app.core.simulate import draw_annotations
from deepwas_app.workflow.tables import p_values

COLUMNS = ("study", "mean_chi2", "trait", "n", "method", "r2", "slope", "auprc", "seconds", "gb")
PEOPLE, PANEL, ANNOTATIONS = 8_000, 1_000, 16
# Share of causal variants, and whether annotations say where they are.
TRAITS = {
    "all": (1.0, False),
    "1%": (0.01, False),
    "0.3%": (0.003, False),
    "0.1%": (0.001, False),
    "all, annotated": (1.0, True),
    "1%, annotated": (0.01, True),
}
CHI2 = (1.3, 3.5)
# Crossed: each chromosome by the prior that was trained without it and its likes.
CROSSED = ("--folds", "chromosomes")
PRIORS = {
    "constant": (),
    "linear": (),
    "linear, crossed": CROSSED,
    "mlp": (),
    "mlp, crossed": CROSSED,
}
POSTERIORS = ("normal", "auto")
DEEPWAS = Path(sys.executable).parent / "deepwas"


class World(NamedTuple):
    """Chromosomes, and what is the same for every variant of all of them."""

    chromosomes: list[Chromosome]
    table: pd.DataFrame
    annotations: np.ndarray
    deviation: np.ndarray


def make_world(count: int, seed: int) -> World:
    rng = np.random.default_rng(seed)
    chromosomes = [make_chromosome(seed * 1_000 + 7 * c, PEOPLE) for c in range(count)]
    tables, annotations = [], []
    for number, c in enumerate(chromosomes, start=1):
        position, size = c.position, len(c.position)
        tables.append(
            pd.DataFrame(
                {
                    "SNP": [f"v{number}_{j}" for j in range(size)],
                    "CHR": number,
                    "BP": position,
                    "A1": "A",
                    "A2": "G",
                    "FRQ": c.typed.mean(axis=0) / 2,
                }
            )
        )
        annotations.append(draw_annotations(position, ANNOTATIONS, rng))
    deviation = np.concatenate([c.typed.std(axis=0) for c in chromosomes])
    return World(chromosomes, pd.concat(tables), np.concatenate(annotations), deviation)


def draw_effects(world: World, trait: str, rng: np.random.Generator) -> np.ndarray:
    """Effects per s.d. of the genotype, up to a factor, (variants,)."""
    share, annotated = TRAITS[trait]
    a = (world.annotations - world.annotations.mean(axis=0)) / world.annotations.std(axis=0)
    log_f = np.zeros(len(a))
    if annotated:
        log_f = 0.9 * a[:, 0] + 0.7 * a[:, 8] - 0.5 * a[:, 9] + 0.8 * a[:, 1] * a[:, 10]
    f = np.exp(np.clip(log_f, -6, 6))
    if share == 1:
        return np.sqrt(f) * rng.standard_normal(len(f))
    effects = np.zeros(len(f))
    chosen = rng.choice(len(f), round(share * len(f)), replace=False, p=f / f.sum())
    effects[chosen] = rng.standard_normal(len(chosen))
    return effects


def run_gwas(world: World, effects: np.ndarray, chi2: float, rng: np.random.Generator):
    """z-scores (variants,), sample size, and genetic values (people,) of the whole population."""
    seen = effects[None].astype(np.float32)
    hidden = np.zeros((1, sum(c.hidden.shape[1] for c in world.chromosomes)), np.float32)
    genetic, marginal = genetic_parts(world.chromosomes, seen, hidden)
    N = np.rint((chi2 - 1) / marginal).astype(int)
    sums = phenotypes(genetic, N, rng)
    z = [(y @ standardised(c.typed))[0] for c, y in zip(world.chromosomes, sums, strict=True)]
    return np.concatenate(z), int(N[0]), [g[0] for g in genetic]


def judged(world: World, weights: np.ndarray, genetic: list[np.ndarray]) -> tuple[float, float]:
    """Squared correlation with the genetic value and slope; weights are per s.d. of the genotype.

    Chromosomes are independent: covariances add up.
    """
    at, both, own, true = 0, 0.0, 0.0, 0.0
    for c, g in zip(world.chromosomes, genetic, strict=True):
        score = standardised(c.typed) @ weights[at : at + c.typed.shape[1]].astype(np.float32)
        both += float(np.mean(score * g))
        own += float(score.var())
        true += float(g.var())
        at += c.typed.shape[1]
    return both**2 / max(own * true, 1e-30), both / max(own, 1e-30)


def auprc(pip: np.ndarray, causal: np.ndarray) -> float:
    """Mean precision at each causal variant, most probable first."""
    order = np.argsort(-pip, kind="stable")
    hit = causal[order]
    return float((np.cumsum(hit) / np.arange(1, 1 + len(hit)))[hit].mean())


class Commands:
    """Runs programs, and knows how long they took and how much memory they had at most."""

    def __init__(self, folder: Path):
        self.folder = folder

    def run(self, *words: object) -> tuple[float, float]:
        began = time.monotonic()
        with (self.folder / "log").open("w") as log:
            process = subprocess.Popen(
                [str(w) for w in words], cwd=self.folder, stdout=log, stderr=log
            )
            _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{words}: {(self.folder / 'log').read_text()[-2000:]}")
        return time.monotonic() - began, usage.ru_maxrss / 2**20


def write_panel(
    world: World, folder: Path, rng: np.random.Generator, people: int = PANEL
) -> list[np.ndarray]:
    """Genotypes of other people, one PLINK file for all and one per chromosome."""
    drawn = [rng.choice(c.typed, people) for c in world.chromosomes]
    for number, part in enumerate(drawn, start=1):
        table = world.table[world.table["CHR"] == number]
        _write_bed(folder / f"panel{number}", part, table)
    _write_bed(folder / "panel", np.concatenate(drawn, axis=1), world.table)
    return drawn


def write_annotations(world: World, folder: Path) -> None:
    names = [f"annotation {k}" for k in range(ANNOTATIONS)]
    world.table[["SNP", "CHR", "BP", "A1", "A2"]].assign(
        **dict(zip(names, world.annotations.T, strict=True))
    ).to_csv(folder / "annotations.tsv", sep="\t", index=False)


def write_gwas(world: World, z: np.ndarray, n: int, folder: Path) -> pd.DataFrame:
    se = 1 / np.sqrt(n) / world.deviation
    sumstats = world.table.assign(BETA=z * se, SE=se, Z=z, N=n)
    sumstats.to_csv(folder / "gwas.tsv", sep="\t", index=False)
    return sumstats


def _write_bed(path: Path, dosages: np.ndarray, table: pd.DataFrame) -> None:
    properties = {
        "fid": [f"f{i}" for i in range(len(dosages))],
        "iid": [f"i{i}" for i in range(len(dosages))],
        "pheno": ["-9"] * len(dosages),
        "sid": table["SNP"].tolist(),
        "chromosome": table["CHR"].astype(str).tolist(),
        "bp_position": table["BP"].tolist(),
        "allele_1": table["A1"].tolist(),
        "allele_2": table["A2"].tolist(),
    }
    to_bed(path.with_suffix(".bed"), dosages.astype(np.float32), properties=properties)


def clumped(z: np.ndarray, n: int, panel: list[np.ndarray], table: pd.DataFrame):
    """Effects of clumping at each threshold of chi2, (thresholds, variants)."""
    thresholds = np.array([2.7, 3.8, 6.6, 10.8, 15.1, 19.5, 24, 29.7, 37])
    kept = np.zeros(len(z), bool)
    at = 0
    for number, genotypes in enumerate(panel, start=1):
        X = standardised(genotypes)
        X = X / np.sqrt(len(X))
        position = table["BP"].to_numpy()[table["CHR"] == number]
        own = z[at : at + X.shape[1]]
        free = own**2 > thresholds[0]
        for j in np.argsort(-(own**2)):
            if not free[j]:
                continue
            kept[at + j] = True
            near = np.flatnonzero(free & (np.abs(position - position[j]) < 250_000))
            free[near[(X[:, near].T @ X[:, j]) ** 2 > 0.1]] = False
            free[j] = False
        at += X.shape[1]
    beta = np.where(kept, z / np.sqrt(n), 0.0)
    return np.where(z**2 > thresholds[:, None], beta, 0.0)


def ldpred_inf(z: np.ndarray, n: int, panel: list[np.ndarray], chromosomes: list[Chromosome]):
    size, at = len(z), 0
    effects = np.zeros(size)
    for genotypes, c in zip(panel, chromosomes, strict=True):
        for part in np.split(np.arange(genotypes.shape[1]), c.starts[1:]):
            X = standardised(genotypes[:, part]) / np.sqrt(len(genotypes))
            R = X.T @ X + size / (n * H2) * np.eye(len(part))
            effects[at + part] = np.linalg.solve(R, z[at + part]) / np.sqrt(n)
        at += genotypes.shape[1]
    return effects


def main() -> None:
    parser = command.parser(seed=1)
    parser.set_defaults(chromosomes=12)
    parser.add_argument("--viprs", type=Path, help="folder of viprs_fit and mgp_compute_ld")
    parser.add_argument("--traits", nargs="+", default=list(TRAITS))
    parser.add_argument("--chi2", nargs="+", type=float, default=list(CHI2))
    parser.add_argument("--studies", type=int, default=3)
    options = parser.parse_args()
    say, writer = command.clock(), command.table(options, COLUMNS)
    for study in range(options.seed, options.seed + options.studies):
        for row in one_study(study, options, say):
            writer.writerow((study, *row))
            options.output.flush()
            say(" ".join(map(str, row)))


def one_study(seed: int, options, say):
    """Rows of a population of its own."""
    world = make_world(2 if options.quick else options.chromosomes, seed)
    say(f"{len(world.table)} variants")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rng = np.random.default_rng(seed)
        panel = write_panel(world, folder, rng)
        commands = Commands(folder)
        say(f"LD panel: {commands.run(DEEPWAS, 'ld', '--bfile', 'panel', '-o', 'p.ld.zarr')}")
        write_annotations(world, folder)
        if options.viprs:
            for number in range(1, 1 + len(world.chromosomes)):
                commands.run(
                    options.viprs / "mgp_compute_ld", "--bfile", f"panel{number}",
                    "--estimator", "windowed", "--ld-window-kb", "3000", "--output-dir", "ldv",
                )  # fmt: skip
            say("LD for viprs")
        for chi2 in options.chi2:
            for trait in options.traits:
                effects = draw_effects(world, trait, rng)
                z, n, genetic = run_gwas(world, effects, chi2, rng)
                for method, row in one_trait(world, commands, panel, trait, z, n, options.viprs):
                    weights, pip, seconds, gb = row
                    several = weights if weights.ndim > 1 else weights[None]
                    r2, slope = max(judged(world, w, genetic) for w in several)
                    area = auprc(pip, effects != 0) if pip is not None else None
                    yield (
                        chi2, trait, n, method, f"{r2:.4f}", f"{slope:.3f}",
                        "" if area is None or TRAITS[trait][0] == 1 else f"{area:.3f}",
                        f"{seconds:.0f}", f"{gb:.1f}",
                    )  # fmt: skip


def one_trait(world, commands, panel, trait, z, n, viprs):
    """Of every method: weights per s.d., PIPs or None, seconds and GB."""
    folder, table = commands.folder, world.table
    began = time.monotonic()
    yield "C+T", (clumped(z, n, panel, table), None, time.monotonic() - began, 0)
    began = time.monotonic()
    inf = ldpred_inf(z, n, panel, world.chromosomes)
    yield "LDpred-inf", (inf, None, time.monotonic() - began, 0)
    sumstats = write_gwas(world, z, n, folder)
    if viprs:
        own = sumstats.rename(columns={"BP": "POS", "FRQ": "MAF"}).assign(PVAL=p_values(z))
        own.to_csv(folder / "viprs.tsv", sep="\t", index=False)
        spent = commands.run(
            viprs / "viprs_fit", "-l", "ldv/*", "-s", "viprs.tsv", "--sumstats-format", "magenpy",
            "--output-dir", "viprs_out", "--output-file-prefix", "fit",
        )  # fmt: skip
        found = next((folder / "viprs_out").glob("fit*.fit*"))
        fit = pd.read_csv(found, sep="\t").set_index("SNP").reindex(table["SNP"])
        yield "viprs", (
            fit["BETA"].fillna(0).to_numpy(), fit["PIP"].fillna(0).to_numpy(), *spent
        )  # fmt: skip
    name = f"{trait} {n}".replace("%", "").replace(" ", "_").replace(",", "")
    commands.run(
        DEEPWAS, "study", "--sumstats", "gwas.tsv", "--ld", "p.ld.zarr", "--annotations",
        "annotations.tsv", "-o", f"{name}.study.zarr",
    )  # fmt: skip
    for prior in PRIORS if TRAITS[trait][1] else ("constant",):
        run = f"{name}_{prior}.run".replace(", ", "_")
        seconds, gb = commands.run(
            DEEPWAS, "train", f"{name}.study.zarr", "--prior", prior.partition(",")[0],
            "--alpha", "0", "--test-chromosomes", "none", *PRIORS[prior], "-o", run,
        )  # fmt: skip
        for posterior in POSTERIORS:
            more, most = commands.run(
                DEEPWAS, "export", run, "--posterior-effects", "w.tsv", "--posterior", posterior
            )
            found = pd.read_csv(folder / "w.tsv", sep="\t").set_index("SNP").reindex(table["SNP"])
            pip = found["PIP"].fillna(0).to_numpy() if found["PIP"].notna().any() else None
            weights = found["BETA_MEAN"].fillna(0).to_numpy()
            yield f"{prior}, {posterior}", (weights, pip, seconds + more, max(gb, most))


if __name__ == "__main__":
    main()
