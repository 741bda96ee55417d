"""The Locus page: association, LD, prior heritability, annotations and genes on one axis."""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.browser import Keys, SteadyScroll, Width
from deepwas_app.app.cards.drivers import DriversCard
from deepwas_app.app.cards.figure_files import FigureFiles
from deepwas_app.app.cards.fine_mapping import FineMappingCard
from deepwas_app.app.cards.known import Known
from deepwas_app.app.cards.loci import LociCard
from deepwas_app.app.cards.locus_choices import LocusChoices
from deepwas_app.app.cards.pan import Pan
from deepwas_app.app.cards.references import References
from deepwas_app.app.cards.region_box import RegionBox, icon_button
from deepwas_app.app.cards.variant_card import VariantCard
from deepwas_app.app.components import GAP, section, stack
from deepwas_app.app.pages import PAGES
from deepwas_app.app.pages.base import Page
from deepwas_app.app.regions import around, scaled, shown_region
from deepwas_app.errors import InputError
from deepwas_app.genetics.matching import find_variant
from deepwas_app.genetics.regions import Region
from deepwas_app.plots.locus_figure import LocusFigure
from deepwas_app.plots.locus_points import MOST_MARKS, leads_of, locus_table, r2_of
from deepwas_app.plots.track import run_values
from deepwas_app.workflow.results.values import VALUES

if TYPE_CHECKING:
    from deepwas_app.workflow.results.finemap import FineMapping

# Of the width that is drawn: where less is on show, it is drawn anew.
NEARER = 0.7
KEYS = {"[": -1, "]": 1}


@PAGES.add
class LocusPage(Page):
    """A region of the genome; click a variant to see what is known of it.

    Examples
    --------
    >>> LocusPage("height_chr22")  # in a notebook cell
    """

    address, icon, order = "locus", "my_location", 40
    jobs = ("finemap",)
    heading = "Locus"
    intro = (
        "Association, LD, prior and annotations side by side, and which variants may be causal. "
        "Click a variant to read of it."
    )

    region: Region
    rows: np.ndarray

    def __init__(self, *args: Any, **params: Any) -> None:
        super().__init__(*args, **params)
        self._watchers += [
            self.state.param.watch(self._darken, "dark"),
            self.state.param.watch(self._rearrange, "tracks"),
        ]

    def build(self, study: xr.Dataset) -> list[Any]:
        """The controls and the tracks, at the strongest locus."""
        self.genes = store.genes(study)
        self.figure = LocusFigure()
        self.figure.on_tap(self.pin)
        self.figure.set_dark(self.state.dark)
        self.pan = Pan(self.figure)
        self.figure.arrange(self.state.tracks)
        self.place = ""
        self.reference: int | None = None
        self.others = References(self.state, self.poller, self.figure, self._say_trouble)
        self._shown = "", "", ""
        self.table = pd.DataFrame()
        self._stage = pmui.Column(sizing_mode="stretch_width")
        self._width = Width(sizing_mode="stretch_width", height=0, margin=0)
        self._width.param.watch(lambda event: self.figure.widen(event.new), "pixels")
        self.fine_mapping = FineMappingCard(self.state, self._take_fine_mapping)
        self.drivers = DriversCard(self.state, self.poller)
        self.loci = LociCard(self.state, self.poller, partial(self._attempt, self.go_to_variant))
        self.variant = VariantCard(
            self.state, self.poller, self.choose_reference, self.change_references
        )
        self.known = Known(self.state, self.poller, self._draw_known)
        self.choices = LocusChoices(
            self.state,
            self.figure,
            {
                "value": self._draw_runs,
                "prior": self._prior_changed,
                "annotations": self._draw_annotations,
            },
            self.known,
        )
        self.places = RegionBox(
            study,
            lambda words: self._go_to(words),
            partial(self._attempt, self.go_to_variant),
            self._zoom,
            icon_button("Runs and tracks", "tune", self.choices.toggle),
            FigureFiles(self.figure),
        )
        asked = self.state.reference
        if self.state.region:
            self._attempt(self._follow_region)
        if asked:
            self.state.reference = asked
            self._attempt(self._follow_reference)
        self._attempt(self.others.follow, self.reference)
        loci = list(self.places.loci.options.values())
        if self.table.empty and loci:
            self.go_to_variant(loci[0])
        self._arrange()
        self.loci.look_at(self.choices.chosen_prior())
        return [
            SteadyScroll(width=0, height=0, margin=0),
            # A notebook has keys of its own.
            *(
                []
                if self.alone
                else [Keys(self._key, keys=list(KEYS), width=0, height=0, margin=0)]
            ),
            _card(self.places, self.choices, below=8, sx={"p": "0 12px"}),
            _card(self.variant, self._width, self._stage, below=GAP, sx={"p": "4px 16px 8px"}),
            section(
                "Loci",
                self.loci,
                note="Lead variants, at least 500 kb from each other; click one to go there. Keys: "
                "[ for the previous locus along the genome, ] for the next.",
            ),
            section(
                "Fine-mapping",
                self.fine_mapping,
                note="Probability that each variant is causal (PIP), and sets that hold a causal "
                "one with 95% probability, by the sum of single effects.",
            ),
            section("What drives the prior of the reference variant", self.drivers),
        ]

    def tick(self) -> None:
        """Follow the fine-mapping, and go where another page or the address asks to."""
        self.fine_mapping.refresh()
        self.loci.report.refresh()
        self.drivers.refresh()
        view = self.pan.over()
        if view is not None and view != self.region:
            self._settle(view)
        asked = self.state.reference
        now = asked, self.state.region, self.state.references
        if not self.active or now == self._shown:
            return
        # A region has a reference of its own, unless one is asked for as well.
        another = asked != self._named(self.reference)
        if self.state.region not in ("", self.place):
            self._attempt(self._follow_region)
        if another:
            self.state.reference = asked
            self._attempt(self._follow_reference)
        if self.state.references != self._shown[2]:
            self._attempt(self.others.follow, self.reference)
        self._shown = self.state.reference, self.state.region, self.state.references

    def remembered(self) -> dict[str, Any]:
        """The runs, the region, the reference variant, and the tracks."""
        state = self.state
        place = {"region": self.place, "reference": state.reference, "tracks": state.tracks}
        place["references"] = state.references
        return super().remembered() | {name: value for name, value in place.items() if value}

    def let_go(self) -> None:
        """Stop what goes on for the study that goes."""
        super().let_go()
        if self._built:
            self.fine_mapping.drop()
            self.drivers.let_go()
            self.loci.let_go()
            self.variant.let_go()
            self.others.let_go()
            self.known.let_go()

    def _take_fine_mapping(self, found: "FineMapping | None") -> None:
        """Draw a fine-mapping, and say what it says of variant and loci; None: of none any more."""
        table = None if found is None else found.table
        if found is not None:
            self.loci.remember(found)
        if self.figure.locus is not None:
            self.variant.follow(table)
            self.figure.draw(fine_mapping=table)
            self._arrange()

    def _arrange(self) -> None:
        """Show the tracks that have something to show."""
        stack(self._stage, self.figure.figures)

    def go(self, region: Region, reference: int | None = None) -> None:
        """Show a region, coloured by LD to a variant: its strongest one if none is named."""
        study = self.state.study
        rows = region.rows(study)
        table = locus_table(study, rows)
        if table.empty:
            raise InputError(f"{region:,}: no scored variants there. Choose another region.")
        self.rows, self.table = rows, table
        self._show_place(region)
        self.figure.draw(
            study=study,
            region=region,
            rows=rows,
            variants=table,
            genes=self.genes,
            reference=None,
            r2=None,
            pinned=(),
            leads=leads_of(table, list(self.places.loci.options.values())),
            annotations=tuple(self.choices.annotations.value or ()),
        )
        self._arrange()
        self._draw_runs()
        strongest = int(table["row"].iloc[int(np.argmax(table["minus_log10_p"]))])
        self.places.write(f"{region:,}", strongest if reference is None else reference)
        self.fine_mapping.look_at(self.choices.chosen_prior(), region)
        self.others.take(table)
        self.choose_reference(strongest if reference is None else reference)

    def go_to_variant(self, row: int) -> None:
        """Show half a megabase on either side of a variant, with LD to it."""
        self.go(around(self.state.study, row), reference=row)

    def pin(self, row: int) -> None:
        """Say what is known of a variant, and ring it unless it is the reference."""
        same = row == self.reference
        point = None if same else self._point(row)
        self.figure.draw(pinned=() if point is None else (point,))
        self.variant.look_at(row, self.choices.chosen_prior(), same, self.others.rows)

    def choose_reference(self, row: int) -> None:
        """Colour the variants by their LD to this one, and say what is known of it."""
        study, rows = self.state.study, self.table["row"].to_numpy()
        self.reference = row
        self.state.reference = self._named(row)
        if row in self.others.rows:
            self.others.change(row)
        self.figure.draw(reference=self._point(row), r2=None)
        self.pin(row)
        self.drivers.look_at(self.choices.chosen_prior(), row)

        def colour(found: tuple[int, np.ndarray]) -> None:
            self.figure.draw(r2=r2_of(rows, *found))

        self.ask("ld", lambda: store.ld(study, row), colour, self._say_trouble)

    def change_references(self, row: int) -> None:
        """Colour by LD to one more variant, or no longer to it."""
        self.others.change(row)
        self.pin(row)

    def _key(self, key: str) -> None:
        self.places.step(KEYS[key])

    def _prior_changed(self) -> None:
        self.loci.look_at(self.choices.chosen_prior())
        if self.reference is not None:
            self.fine_mapping.look_at(self.choices.chosen_prior(), self.region)
            self.drivers.look_at(self.choices.chosen_prior(), self.reference)
            self.pin(self.reference if self.variant.row is None else self.variant.row)

    def _point(self, row: int) -> int | None:
        """Where a row of the study is among the variants that are drawn."""
        found = np.flatnonzero(self.table["row"].to_numpy() == row)
        return int(found[0]) if len(found) else None

    def _go_to(self, words: str) -> None:
        study = self.state.study
        variant = find_variant(study, words)
        if variant is not None:
            self._attempt(self.go_to_variant, variant)
        else:
            self._attempt(lambda: self.go(shown_region(words, study, self.genes)))

    def _follow_region(self) -> None:
        """Go to the region that the state asks for; once, whatever comes of it."""
        wanted, self.state.region = self.state.region, self.place
        self.go(shown_region(wanted, self.state.study, self.genes))

    def _named(self, row: int | None) -> str:
        return "" if row is None else str(self.state.study["variant_id"].values[row])

    def _follow_reference(self) -> None:
        """Choose the variant that the state asks for; once, whatever comes of it."""
        wanted, self.state.reference = self.state.reference, self._named(self.reference)
        row = find_variant(self.state.study, wanted) if wanted else None
        if wanted and row is None:
            raise InputError(f"{wanted[:40]}: no such variant in the study. Check its name.")
        if row is None:
            return
        if not self.table.empty and row in set(self.table["row"]):
            self.choose_reference(row)
        else:
            self.go_to_variant(row)

    def _say_trouble(self, problem: str) -> None:
        self.state.say(problem, "error")

    def _attempt(self, action: Any, *arguments: Any) -> None:
        try:
            action(*arguments)
        except InputError as problem:
            self.state.say(str(problem), "error")

    def _zoom(self, factor: float) -> None:
        self._attempt(self.go, scaled(self.region, factor), self.reference)

    def _settle(self, view: Region) -> None:
        """Take in where a pan or a zoom went; load more if that leaves what is drawn."""
        assert self.figure.locus is not None
        drawn = self.figure.locus.region
        beyond = view.start < drawn.start - 1 or view.stop > drawn.stop + 1
        nearer = view.stop - view.start < NEARER * (drawn.stop - drawn.start)
        # Nearer, those of the variants come that were left out of so many.
        if beyond or (nearer and len(self.rows) > MOST_MARKS):
            self._attempt(self.go, scaled(view, 1.0), self.reference)
            return
        self._show_place(view)
        if self.reference is not None:
            self.places.write(f"{view:,}", self.reference)
        self.fine_mapping.look_at(self.choices.chosen_prior(), view)

    def _show_place(self, region: Region) -> None:
        self.region, self.place = region, str(region)
        self.state.region = self.place

    def _draw_annotations(self) -> None:
        self.figure.draw(annotations=tuple(self.choices.annotations.value or ()))
        self._arrange()

    def _draw_runs(self) -> None:
        """Have the values computed that tracks draw of the runs; each is drawn when it is there."""
        study, runs, rows = self.state.study, self.state.selected_runs(), self.rows
        chosen = self.choices.value.value

        def compute(name: str) -> dict[str, np.ndarray]:
            return {store.run_name(run): store.value(study, run, name)[rows] for run in runs}

        def done(name: str, found: dict[str, np.ndarray]) -> None:
            assert self.figure.locus is not None
            values = {**self.figure.locus.values, name: run_values(study, rows, found)}
            # Until then the value that was chosen before stays on show.
            is_chosen = {"chosen": name, "measure": VALUES[name].axis} if name == chosen else {}
            self.figure.draw(values=values, **is_chosen)
            self._arrange()

        for name in VALUES:
            self.forget(("value", name))
        if not runs:
            self.figure.draw(values={})
            self._arrange()
            return
        for name in {chosen, *self.figure.values}:
            what = ("value", name)
            self.ask(what, partial(compute, name), partial(done, name), self._say_trouble)

    def follow_runs(self) -> None:
        """Offer the runs that there are now, and draw those that are selected."""
        self.choices.follow()
        self._prior_changed()
        if not self.table.empty:
            self._draw_runs()

    def _rearrange(self, *_: Any) -> None:
        if self.ready():
            self.figure.arrange(self.state.tracks)
            self.choices.tracks.follow()
            self._arrange()

    def _draw_known(self, known: pd.DataFrame | None) -> None:
        if self.figure.locus is not None:
            self.figure.draw(known=known)
            self._arrange()

    def _darken(self, *_: Any) -> None:
        if self.ready():
            self.figure.set_dark(self.state.dark)


def _card(*objects: Any, below: int, sx: dict[str, str]) -> pmui.Paper:
    return pmui.Paper(
        *objects,
        variant="outlined",
        elevation=0,
        margin=(0, 0, below, 0),
        sx=sx | {"borderRadius": "10px"},
        sizing_mode="stretch_width",
    )
