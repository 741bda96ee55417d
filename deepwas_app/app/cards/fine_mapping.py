"""The fine-mapping of the region that the Locus page shows."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import panel_material_ui as pmui

from deepwas_app.app import store
from deepwas_app.app.cards.base import JobCard
from deepwas_app.app.components import cells
from deepwas_app.app.jobs import JOBS, Job, Status
from deepwas_app.app.markup import text
from deepwas_app.app.result_tables import download, page_table, table_download
from deepwas_app.app.settings_form import number_input, read_inputs
from deepwas_app.app.state import AppState
from deepwas_app.counting import counted
from deepwas_app.genetics.regions import Region
from deepwas_app.workflow.settings import FineMapKnobs

if TYPE_CHECKING:
    from deepwas_app.workflow.results.finemap import FineMapping


class Mapping(NamedTuple):
    """A fine-mapping that was asked for.

    Attributes
    ----------
    run, region, effects
        Key of the run whose prior it takes, where, and the most effects in an LD block.
    job, found
        What runs it, and what came of it.
    """

    run: str
    region: Region
    effects: int
    job: Job
    found: "FineMapping | None" = None

    def answers(self, run: Any, region: Region) -> bool:
        """Whether it says something of a region: LD blocks are fitted whole, so overlap will do."""
        return (
            run is not None
            and store.run_key(run) == self.run
            and region.chromosome == self.region.chromosome
            and region.start <= self.region.stop
            and region.stop >= self.region.start
        )


class FineMappingCard(JobCard):
    """Runs a fine-mapping as a job, and shows its credible sets and fits with their files.

    Parameters
    ----------
    state
        The study and its runs.
    draw
        Called with a fine-mapping to put on the tracks, or None to take it off.
    """

    def __init__(self, state: AppState, draw: "Callable[[FineMapping | None], None]") -> None:
        super().__init__(state)
        self._draw = draw
        self.run: Any = None
        self.region = Region("", 0, 0)
        self.mapping: Mapping | None = None
        knobs, margin = FineMapKnobs.param, (6, 12, 6, 0)
        self.causal = number_input(knobs.causal, step=0.5, width=200, margin=margin)
        self.effects = number_input(knobs.effects, width=110, margin=margin)
        self.button = pmui.Button(
            label="Fine-map this region", color="primary", margin=(10, 12, 6, 0)
        )
        self.button.on_click(lambda _: self.start())
        self.line = pmui.Typography("", variant="body2", margin=(4, 0))
        self.weights = download("SuSiE prior weights", "prior_weights.tsv", self._weights)
        self.weights.margin = (10, 0, 6, 0)
        self._results = pmui.Column(sizing_mode="stretch_width")
        self._layout = pmui.Column(
            pmui.FlexBox(
                self.button, self.causal, self.effects, self.weights, align_items="center"
            ),
            self.progress,
            self.line,
            self._results,
            sizing_mode="stretch_width",
        )

    def look_at(self, run: Any, region: Region) -> None:
        """Offer to fine-map a region under a run's prior; what was asked for elsewhere goes.

        Parameters
        ----------
        run
            The run whose prior is used; None where none is chosen.
        region
            What the page shows.
        """
        self.run, self.region = run, region
        self.weights.disabled = run is None
        self.weights.filename = f"prior_weights_{_file_name(region)}.tsv"
        if self.mapping is None or not self.mapping.answers(run, region):
            self.drop()

    def _seen(self) -> str:
        """Whether the prior was trained on what the page shows."""
        from deepwas_app.workflow.runs.folds import seen

        blocks = self.state.study["variant_block"].values[self.region.rows(self.state.study)]
        return seen(self.run, set(blocks.tolist()))

    def drop(self) -> None:
        """Stop the fine-mapping that was asked for, and show nothing of it."""
        if self.mapping is not None:
            JOBS.cancel(self.mapping.job)
        self.mapping = None
        self.progress.watch(None)
        self.button.disabled = self.run is None
        self._draw(None)
        self._results.objects = []
        self.line.object = (
            "Choose a run above: fine-mapping sets its prior beside a uniform one."
            if self.run is None
            else f"Prior of {text(store.run_name(self.run))} ({self._seen()}) beside a uniform "
            "one. Each LD block that the region touches is fitted whole."
        )

    def start(self) -> None:
        """Fine-map the region that is shown, as a job."""
        from deepwas_app.workflow.results.finemap import fine_map

        knobs = read_inputs(FineMapKnobs, effects=self.effects, causal=self.causal)
        self.drop()
        study, run, region = self.state.study, self.run, self.region
        effects, causal = knobs.effects, knobs.causal
        job = Job(
            f"Fine-map {region:,}",
            lambda: fine_map.steps(study, run, region, effects=effects, causal=causal),
            kind="finemap",
            study=store.study_hash(study),
        )
        self.mapping = Mapping(store.run_key(run), region, effects, self.submit(job))
        self.button.disabled = True

    def over(self, job: Job) -> None:
        """Draw what was found."""
        self.button.disabled = False
        if job.status is Status.DONE and self.mapping is not None:
            self.mapping = self.mapping._replace(found=job.result)
            self.progress.watch(None)
            self._show_found(job.result, self.mapping.region, self.mapping.effects)

    def _show_found(self, found: "FineMapping", region: Region, effects: int) -> None:
        self._draw(found)
        ours = found.fits["CONVERGED"]
        ended = "" if ours.all() else " <b>Some fits did not converge: see below.</b>"
        if (found.fits["EFFECTS"] > effects - 0.5).any():
            ended += " An LD block has as many causal variants as are allowed: raise At most."
        counts = [
            f"{int((found.sets['PRIOR'] == prior).sum())} under the {prior} prior"
            for prior in ("model", "uniform")
        ]
        self.line.object = (
            f"{text(f'{region:,}')}: {counted(len(found.table), 'variant')}; "
            f"credible sets: {', '.join(counts)}.{ended}"
        )
        from deepwas_app.workflow.results.credible_sets import CREDIBLE_SETS
        from deepwas_app.workflow.results.finemap import FINE_MAPPING, FITS

        name = _file_name(region)
        files = pmui.FlexBox(
            table_download("Variants", f"finemap_{name}.tsv", FINE_MAPPING, found.table),
            table_download("Credible sets", f"sets_{name}.tsv", CREDIBLE_SETS, found.sets),
            table_download("Fits", f"fits_{name}.tsv", FITS, found.fits),
            gap="8px",
        )
        # The lead variant first: it is what people know a set by.
        lead = ("PRIOR", "CREDIBLE_SET", "LEAD_SNP", "LEAD_PIP")
        rest = (name for name in CREDIBLE_SETS.names if name not in lead)
        shown_sets = CREDIBLE_SETS.part(*lead, *rest)
        sets: Any = (
            page_table(shown_sets, found.sets, page_size=12)
            if len(found.sets)
            else pmui.Typography("No credible set reaches the coverage and purity asked for.")
        )
        fits = found.fits.assign(CONVERGED=["yes" if c else "NO" for c in ours])
        self._results.objects = [
            files,
            cells(
                (_titled("Credible sets", sets), 12),
                (_titled("Fits", page_table(FITS, fits, page_size=12)), 12),
            ),
        ]

    def _weights(self) -> str:
        from deepwas_app.workflow.results.exported.susie import PRIOR_WEIGHTS, prior_weights

        return PRIOR_WEIGHTS.text(prior_weights(self.state.study, self.run, self.region))


def _file_name(region: Region) -> str:
    return f"{region.chromosome}_{region.start}-{region.stop}"


def _titled(heading: str, content: Any) -> pmui.Column:
    return pmui.Column(
        pmui.Typography(heading, sx={"fontWeight": 600}, margin=(8, 0, 4, 0)),
        content,
        sizing_mode="stretch_width",
    )
