"""The Annotations page: what fitted priors say about annotations."""

from typing import Any

import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.cards.annotation_card import ALONE, SHIFTED, Details
from deepwas_app.app.cards.annotation_response import ResponseCard
from deepwas_app.app.cards.annotation_table import AnnotationTable
from deepwas_app.app.cards.effects import EffectsCard
from deepwas_app.app.cards.enrichment import EnrichmentCard
from deepwas_app.app.cards.run_choice import follow, runs_choice
from deepwas_app.app.components import empty, section
from deepwas_app.app.markup import text
from deepwas_app.app.pages import PAGES
from deepwas_app.app.pages.base import Page
from deepwas_app.app.pages.runs import doubts
from deepwas_app.workflow.runs.doubted import run_warnings


@PAGES.add
class AnnotationsPage(Page):
    """Effects of annotations, their enrichment, and how a prior answers to them.

    Examples
    --------
    >>> AnnotationsPage("height_chr22")  # in a notebook cell
    """

    address, icon, order = "annotations", "label", 30
    jobs = (ALONE, SHIFTED)
    heading = "Annotations"
    intro = "Which annotations carry heritability, and how sure we are: 95% intervals throughout."

    def __init__(self, *args: Any, **params: Any) -> None:
        self.response_card: ResponseCard | None = None
        self.effects: dict[str, xr.Dataset] = {}
        self._runs: dict[str, Any] = {}
        self._detailed: dict[str, xr.Dataset] = {}
        super().__init__(*args, **params)

    def build(self, study: xr.Dataset) -> list[Any]:
        """The chooser of runs and what they say."""
        self.effects = {}
        self.effects_card = EffectsCard(self.state, self._show_details)
        self.enrichment_card = EnrichmentCard(self.state, self._show_details)
        self.chooser = runs_choice(self.state, sizing_mode="stretch_width", margin=(6, 16, 6, 0))
        self.chooser.param.watch(self._picked, "value")
        self.detail = pmui.Select(
            label="Run in the tables",
            description="Tables, downloads and tests are of one run at a time.",
            options=[],
            size="small",
            width=260,
            margin=(6, 0),
        )
        self.detail.param.watch(self._show_details, "value")
        self.response_card = ResponseCard(study, self.poller)
        self.tabs = pmui.Tabs(
            ("Effects", self.effects_card),
            ("Enrichment", self.enrichment_card),
            ("Response", self.response_card),
            sizing_mode="stretch_width",
        )
        self.tabs.active = self._tab()
        self.tabs.param.watch(self._turned, "active")
        self.results = pmui.Column(sizing_mode="stretch_width")
        self.everything = AnnotationTable(self.state)
        # What the study itself says is there long before what the runs say.
        if study.sizes["annotations"]:
            self.ask(
                self.everything,
                lambda: store.annotation_overview(study),
                self.everything.know,
                self.state.say,
            )
        self._compute()
        chooser = pmui.Row(self.chooser, self.detail, sizing_mode="stretch_width")
        table = [self.everything] if study.sizes["annotations"] else []
        return [section("Runs", chooser), *table, self.results]

    def tick(self) -> None:
        """Bring the progress of the tests up to date."""
        if self.tabs.active != self._tab():
            self.tabs.active = self._tab()
        if self.active and self.effects:
            self.effects_card.refresh()
            self.enrichment_card.refresh()

    def remembered(self) -> dict[str, Any]:
        """The runs and the tab."""
        return super().remembered() | ({"tab": self.state.tab} if self.state.tab else {})

    def _tab(self) -> int:
        names = [name.lower() for name in self.tabs._names]
        return names.index(self.state.tab) if self.state.tab in names else 0

    def _turned(self, event: Any) -> None:
        self.state.tab = self.tabs._names[event.new].lower()

    def _picked(self, event: Any) -> None:
        self.state.selected = list(event.new)

    def follow_runs(self) -> None:
        """Offer the runs that there are now, and show what those that are selected say."""
        follow(self.chooser, self.state)
        self._compute()

    def follow_annotation(self) -> None:
        """Say which one is chosen."""
        self.everything.follow()

    def _compute(self) -> None:
        study, runs = self.state.study, self.state.selected_runs()
        self.forget(self.results)
        if study.sizes["annotations"]:
            self.everything.tell(None)
        self.effects, self._runs = {}, {store.run_name(run): run for run in runs}
        self.detail.visible = len(runs) > 1
        if not study.sizes["annotations"]:
            advice = "This study has no annotations. Build it with annotation files."
            self.results.objects = [empty(advice)]
        elif not runs:
            advice = "Choose a run above, or train a linear or MLP prior on the Train page."
            self.results.objects = [empty(advice)]
        else:

            def compute() -> dict[str, xr.Dataset]:
                return {store.run_name(run): store.effects(study, run) for run in runs}

            until = "Computing annotation effects and their errors…"
            self.later(self.results, compute, self._show, until=until)

    def _show(self, effects: dict[str, xr.Dataset]) -> pmui.Column:
        names = list(effects)
        self.effects = effects
        shown = self.detail.value if self.detail.value in names else names[-1]
        self.detail.param.update(options=names, value=shown)
        if self._detailed is not effects:
            self._show_details()
        # Not when its tab is first looked at: what changes in a tab while the browser is putting
        # it on the page is sometimes not shown.
        if self.response_card is not None:
            self.response_card.follow(self.state.selected_runs(), self.state.runs)
        notes = [
            empty(
                f"{text(name)} is a constant prior: every variant alike, whatever its annotations. "
                "Train a linear or MLP prior on the Train page. Fitting one at a time and shifting "
                "work all the same."
            )
            for name, effect in effects.items()
            if effect.attrs["constant"]
        ]
        from deepwas_app.workflow.results.annotation_effects import caveats

        for name, effect in effects.items():
            notes += doubts(name, [*run_warnings(self._runs[name]), *caveats(effect)])
        return pmui.Column(*notes, self.tabs, sizing_mode="stretch_width")

    def _show_details(self, *_: Any) -> None:
        if self.detail.value not in self.effects:
            return
        self._detailed = self.effects
        details = Details.now(self.state.study, self._runs, self.effects, self.detail.value)
        self.effects_card.tell(details)
        self.enrichment_card.tell(details)
        self.everything.tell(details)
