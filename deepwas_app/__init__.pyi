"""The public names: what type checkers see, and what ``__init__.py`` loads on first use."""

import typing

from . import plot as plot
from .app import explore as explore
from .app.pages.annotations import AnnotationsPage as AnnotationsPage
from .app.pages.compare import ComparePage as ComparePage
from .app.pages.export import ExportPage as ExportPage
from .app.pages.locus import LocusPage as LocusPage
from .app.pages.scaling import ScalingPage as ScalingPage
from .app.pages.study import StudyPage as StudyPage
from .app.pages.train import TrainPage as TrainPage
from .app.views.annotations import AnnotationView as AnnotationView
from .app.views.locus import LocusView as LocusView
from .app.views.scaling import ScalingView as ScalingView
from .app.views.train import TrainView as TrainView
from .core.priors import Prior as Prior
from .errors import InputError as InputError
from .genetics.annotation.annotations import read_annotations as read_annotations
from .genetics.gwas.meaning import understand as understand
from .genetics.gwas.sumstats import read_sumstats as read_sumstats
from .genetics.ld.panel import open_panel as open_panel
from .genetics.study import add_annotation as add_annotation
from .workflow.info import info as info
from .workflow.results.alignment import alignment as alignment
from .workflow.results.annotation_effects import annotation_effects as annotation_effects
from .workflow.results.annotation_overview import annotation_overview as annotation_overview
from .workflow.results.calibration import calibration as calibration
from .workflow.results.compare import compare as compare
from .workflow.results.effects import effects_table as effects_table
from .workflow.results.effects import quantile_table as quantile_table
from .workflow.results.evaluation import evaluate as evaluate
from .workflow.results.exported.snpvar import snpvar as snpvar
from .workflow.results.exported.snpvar import snpvar_table as snpvar_table
from .workflow.results.exported.susie import prior_weights as prior_weights
from .workflow.results.heritability import heritability as heritability
from .workflow.results.heritability import run_heritability as run_heritability
from .workflow.results.interpret import explain as explain
from .workflow.results.interpret import variant_drivers as variant_drivers
from .workflow.results.ldsc import ldsc as ldsc
from .workflow.results.mismatch import check as check
from .workflow.results.response import interaction_surface as interaction_surface
from .workflow.results.response import response_curve as response_curve
from .workflow.results.scan import derivatives as derivatives
from .workflow.results.scan import open_derivatives as open_derivatives
from .workflow.results.scan import scan as scan
from .workflow.results.spectrum import residual_spectrum as residual_spectrum
from .workflow.runs.run import open_run as open_run
from .workflow.studies.builtin import builtin_studies as builtin_studies
from .workflow.studies.builtin import open_study as open_study
from .workflow.studies.ld_fit import ld_fit as ld_fit

if not typing.TYPE_CHECKING:
    from .app.serving import serve as serve

    # Type checkers find them below, with their knobs as keywords.
    from .reporting import report as report
    from .workflow.results.effects import effects as effects
    from .workflow.results.export import export as export
    from .workflow.results.exported.weights import pgs_weights as pgs_weights
    from .workflow.results.finemap import fine_map as fine_map
    from .workflow.results.outlook import outlook as outlook
    from .workflow.results.posterior import posterior as posterior
    from .workflow.results.response import response as response
    from .workflow.results.score import score_people as score_people
    from .workflow.runs.sweep import scaling as scaling
    from .workflow.runs.train import fit as fit
    from .workflow.runs.train import train as train
    from .workflow.studies.build import build_ld as build_ld
    from .workflow.studies.build import build_study as build_study
    from .workflow.studies.munge import munge as munge
    from .workflow.studies.simulate import simulate as simulate

__version__: str

# From here on made by `python -m deepwas_app.workflow.stub`, from the declarations of the knobs.
# fmt: off
# ruff: noqa: E501, I001

import collections.abc as _abc
import deepwas_app.genetics.annotation.annotations as _annotations
import deepwas_app.workflow.studies.builtin as _builtin
import deepwas_app.workflow.runs.checkpoint as _checkpoint
import deepwas_app.workflow.results.finemap as _finemap
import deepwas_app.workflow.results.locus as _locus
import deepwas_app.workflow.studies.munge as _munge
import pandas as _pandas
import pathlib as _pathlib
import deepwas_app.core.priors as _priors
import deepwas_app.workflow.progress as _progress
import deepwas_app.genetics.regions as _regions
import deepwas_app.workflow.settings.results as _results
import deepwas_app.workflow.runs.run as _run
import deepwas_app.workflow.results.score as _score
import deepwas_app.workflow.settings as _settings
import deepwas_app.workflow.runs.split as _split
import deepwas_app.workflow.runs.sweep as _sweep
import deepwas_app.workflow.runs.train_step as _train_step
import typing as _typing
import xarray as _xarray

def serve(
    studies: _abc.Sequence[str] | None = None,
    *,
    settings: _settings.ServeSettings | None = None,
    port: int = 5006,
    address: str = 'localhost',
    data_root: str = '',
    open_disk: bool = False,
    basic_auth: str = '',
    oauth_provider: str = '',
    oauth_key: str = '',
    oauth_secret: str = '',
    oauth_redirect_uri: str = '',
    cookie_secret: str = '',
    owners: list[str] = [],
    no_login: bool = False,
    allow_origin: list[str] = [],
    prefix: str = '',
    upload_limit: float = 500,
) -> None:
    """Serve the dashboard until it is interrupted or terminated."""
    ...

class _Report:
    steps: _abc.Callable[..., _abc.Generator[_progress.Progress, None, _pathlib.Path]]
    def __call__(
        self,
        study: _builtin.StudyLike | None,
        runs: _locus.RunLike | _abc.Iterable[_locus.RunLike] = (),
        output: str | _pathlib.Path = 'report',
        *,
        settings: _results.ReportKnobs | None = None,
        loci: list[str] = [],
        no_finemap: bool = False,
        progress: _abc.Callable[[_progress.Progress], object] | None = None,
    ) -> _pathlib.Path:
        """Write loci, one page each: a page of HTML that needs no network, pictures and tables."""
        ...

report: _Report

class _Effects:
    steps: _abc.Callable[..., _abc.Generator[_progress.Progress, None, _pandas.DataFrame]]
    def __call__(
        self,
        study: _builtin.StudyLike | None,
        run: _locus.RunLike,
        settings: _results.EffectsKnobs | None = None,
        found: _xarray.Dataset | None = None,
        *,
        one_at_a_time: bool = False,
        shifts: int = 0,
        progress: _abc.Callable[[_progress.Progress], object] | None = None,
    ) -> _pandas.DataFrame:
        """Annotation effects and enrichment of a run, in the layout of S-LDSC's results and more."""
        ...

effects: _Effects

def export(
    study: _builtin.StudyLike | None,
    run: _locus.RunLike,
    *,
    settings: _typing.Any | None = None,
    snpvar: str = '',
    susie: str = '',
    weights: str = '',
    posterior_effects: str = '',
    pgs_catalog: str = '',
    ssf: str = '',
    floor: bool = False,
    posterior: str = 'auto',
    region: str = '',
) -> dict[str, _pandas.DataFrame]:
    """Write a run's prior and weights for other tools."""
    ...

def pgs_weights(
    study: _builtin.StudyLike | None,
    run: _locus.RunLike,
    *,
    settings: _results.PosteriorKnobs | None = None,
    posterior: str = 'auto',
) -> _pandas.DataFrame:
    """Posterior mean effects per allele: the weights of a polygenic score."""
    ...

class _FineMap:
    steps: _abc.Callable[..., _abc.Generator[_progress.Progress, None, _finemap.FineMapping]]
    def __call__(
        self,
        study: _builtin.StudyLike | None,
        run: _locus.RunLike,
        region: _regions.Region | str | None,
        settings: _results.FineMapKnobs | None = None,
        kept: _pathlib.Path | None = None,
        *,
        effects: int = 20,
        causal: float | None = None,
        background: float | None = 0.0,
        coverage: float = 0.95,
        purity: float = 0.5,
        workers: int = 1,
        progress: _abc.Callable[[_progress.Progress], object] | None = None,
    ) -> _finemap.FineMapping:
        """Inclusion probabilities and credible sets of the variants of a region, or of all."""
        ...

fine_map: _FineMap

def outlook(
    study: _builtin.StudyLike | None,
    run: _locus.RunLike,
    *,
    settings: _results.OutlookKnobs | None = None,
    people: str = '',
) -> _pandas.DataFrame:
    """How many variants are causal, and how many of them larger GWAS would find."""
    ...

def posterior(
    study: _builtin.StudyLike | None,
    run: _locus.RunLike,
    *,
    settings: _results.PosteriorKnobs | None = None,
    posterior: str = 'auto',
) -> _xarray.Dataset:
    """Posterior of b_j = sqrt(N_j) beta_j for every variant."""
    ...

def response(
    study: _builtin.StudyLike | None,
    runs: _locus.RunLike | _abc.Iterable[_locus.RunLike],
    annotation: str,
    by: str | None = None,
    *,
    settings: _results.ResponseKnobs | None = None,
    points: int | None = None,
) -> _pandas.DataFrame:
    """How log variance answers to an annotation, or to two, the others as they are."""
    ...

class _ScorePeople:
    steps: _abc.Callable[..., _abc.Generator[_progress.Progress, None, _score.Scored]]
    def __call__(
        self,
        weights: _score.Weights | _abc.Sequence[_score.Weights],
        bfile: str | _pathlib.Path = '',
        pheno: str | _pathlib.Path | None = None,
        *,
        pfile: str | _pathlib.Path = '',
        settings: _results.ScoreKnobs | None = None,
        pheno_name: str = '',
        zero: str = '',
        covariates: str = '',
        prevalence: float | None = None,
        skip_unknown: bool = False,
        progress: _abc.Callable[[_progress.Progress], object] | None = None,
    ) -> _score.Scored:
        """Score genotypes of PLINK 1 or 2, and judge the scores by a phenotype."""
        ...

score_people: _ScorePeople

class _Scaling:
    steps: _abc.Callable[..., _abc.Generator[_sweep.SweepStep, None, _sweep.Sweep]]
    def __call__(
        self,
        study: _builtin.StudyLike,
        settings: _settings.ScalingSettings | None = None,
        *,
        path: str | _pathlib.Path,
        sizes: list[str] = ['linear', 'XS', 'S', 'M', 'L', 'XL'],
        prior: str = 'mlp',
        objectives: list[str] = ['likelihood', 'ldsr'],
        seeds: int = 1,
        epochs: int = 20,
        validation_chromosomes: str = 'auto',
        learning_rate: float = 0.003,
        patience: int = 5,
        test_chromosomes: str = '',
        test_blocks: str = '',
        progress: _abc.Callable[[_sweep.SweepStep], object] | None = None,
    ) -> _sweep.Sweep:
        """Train every size with every objective and seed, and keep the held-out gains."""
        ...

scaling: _Scaling

def fit(
    study: _builtin.StudyLike,
    prior: str | _priors.Prior = 'linear',
    *,
    settings: _settings.TrainSettings | None = None,
    resume: _checkpoint.Checkpoint | None = None,
    split: _split.Split | None = None,
    size: str = '',
    width: int = 64,
    depth: int = 2,
    tower: bool = True,
    link: str = 'exp',
    coefficient_sd: float | None = None,
    objective: str = 'likelihood',
    s2: float | None = None,
    kappa: float | None = None,
    solver: str = 'auto',
    probes: int = 16,
    max_iterations: int = 1000,
    epochs: int = 15,
    batch_blocks: int = 4,
    precision: str = 'float32',
    rematerialise: bool = False,
    memory: float = 4.0,
    alpha: float | None = 0.7,
    seed: int = 0,
    folds: str = '',
    learning_rate: float = 0.003,
    validation_chromosomes: str = '',
    patience: int = 5,
    test_chromosomes: str = '',
    test_blocks: str = '',
) -> _abc.Iterator[_train_step.TrainStep]:
    """Fit a prior to a study, one :class:`TrainStep` at a time."""
    ...

class _Train:
    steps: _abc.Callable[..., _abc.Generator[_train_step.TrainStep, None, _run.Run]]
    def __call__(
        self,
        study: _builtin.StudyLike,
        settings: _settings.TrainSettings | None = None,
        resume: bool = False,
        *,
        path: str | _pathlib.Path,
        prior: str = 'linear',
        size: str = '',
        width: int = 64,
        depth: int = 2,
        tower: bool = True,
        link: str = 'exp',
        coefficient_sd: float | None = None,
        objective: str = 'likelihood',
        s2: float | None = None,
        kappa: float | None = None,
        solver: str = 'auto',
        probes: int = 16,
        max_iterations: int = 1000,
        epochs: int = 15,
        batch_blocks: int = 4,
        precision: str = 'float32',
        rematerialise: bool = False,
        memory: float = 4.0,
        alpha: float | None = 0.7,
        seed: int = 0,
        folds: str = '',
        learning_rate: float = 0.003,
        validation_chromosomes: str = '',
        patience: int = 5,
        test_chromosomes: str = '',
        test_blocks: str = '',
        progress: _abc.Callable[[_train_step.TrainStep], object] | None = None,
    ) -> _run.Run:
        """Fit a prior and keep it in a run folder, written at the end of every epoch."""
        ...

train: _Train

class _BuildLd:
    steps: _abc.Callable[..., _abc.Generator[_progress.Progress, None, _pathlib.Path]]
    def __call__(
        self,
        settings: _settings.PanelSettings | None = None,
        *,
        bfile: str = '',
        pfile: str = '',
        sbayesrc: str = '',
        ukbb: str = '',
        ldgm: str = '',
        prscs: str = '',
        dense: list[str] = [],
        magenpy: str = '',
        variants: list[str] = [],
        blocks: str = '',
        max_block: int = 2000,
        extract: str = '',
        keep: str = '',
        maf: float = 0.0,
        population: str = 'EUR',
        people: int = 0,
        build: str = '',
        output: str = '',
        variance: float = 0.99,
        progress: _abc.Callable[[_progress.Progress], object] | None = None,
    ) -> _pathlib.Path:
        """Make an LD panel from any LD source, one block in memory at a time."""
        ...

build_ld: _BuildLd

class _BuildStudy:
    steps: _abc.Callable[..., _abc.Generator[_progress.Progress, None, _pathlib.Path]]
    def __call__(
        self,
        settings: _settings.StudySettings | None = None,
        *,
        sumstats: str | _pathlib.Path | _xarray.Dataset | None = None,
        ld: str | _pathlib.Path | _xarray.Dataset | None = None,
        annotations: _annotations.Annotations | _abc.Iterable[_annotations.Annotations] | None = None,
        format: str = '',
        column: list[str] = [],
        population: str = '',
        n: float | None = None,
        cases: float | None = None,
        controls: float | None = None,
        build: str = '',
        chain: str = '',
        max_frequency_difference: float = 0.2,
        keep_extreme: bool = False,
        exclude_regions: list[str] = [],
        accept: list[str] = [],
        missing: str = '',
        half: bool = False,
        winsorise: float = 0.0,
        same_people: bool = False,
        shrink_strong: bool = False,
        tracks: list[str] = [],
        track_window: int = 256,
        title: str = '',
        variance: float = 0.99,
        output: str = '',
        progress: _abc.Callable[[_progress.Progress], object] | None = None,
    ) -> _pathlib.Path:
        """Align summary statistics to an LD panel, join annotations, and whiten every block."""
        ...

build_study: _BuildStudy

class _Munge:
    steps: _abc.Callable[..., _abc.Generator[_progress.Progress, None, _munge.Munged]]
    def __call__(
        self,
        settings: _settings.MungeSettings | None = None,
        *,
        sumstats: str | _pathlib.Path | _xarray.Dataset | None = None,
        ld: str | _pathlib.Path | _xarray.Dataset | None = None,
        format: str = '',
        column: list[str] = [],
        population: str = '',
        n: float | None = None,
        cases: float | None = None,
        controls: float | None = None,
        build: str = '',
        chain: str = '',
        max_frequency_difference: float = 0.2,
        keep_extreme: bool = False,
        exclude_regions: list[str] = [],
        accept: list[str] = [],
        output: str = '',
        progress: _abc.Callable[[_progress.Progress], object] | None = None,
    ) -> _munge.Munged:
        """Write summary statistics of any layout as clean GWAS-SSF, with metadata beside them."""
        ...

munge: _Munge

class _Simulate:
    steps: _abc.Callable[..., _abc.Generator[_progress.Progress, None, _pathlib.Path]]
    def __call__(
        self,
        settings: _settings.SimulateSettings | None = None,
        *,
        ld: str = '',
        study: str = '',
        truth: str = 'interactions',
        h2: float = 0.3,
        causal: float = 1.0,
        n: float = 500000,
        annotations: int = 24,
        variants: int = 100000,
        chromosomes: int = 22,
        people: int = 400,
        panel_people: int = 2000,
        seed: int = 1,
        title: str = '',
        variance: float = 0.99,
        output: str = '',
        progress: _abc.Callable[[_progress.Progress], object] | None = None,
    ) -> _pathlib.Path:
        """Simulate a study and write it."""
        ...

simulate: _Simulate
