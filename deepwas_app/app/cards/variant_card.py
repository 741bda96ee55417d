"""What is known of one variant of the Locus page: the reference, or the one that was clicked."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import numpy as np
import pandas as pd
import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.asking import Asker
from deepwas_app.app.cards.references import MOST
from deepwas_app.app.markup import text
from deepwas_app.app.poller import Poller
from deepwas_app.app.state import AppState
from deepwas_app.counting import counted
from deepwas_app.genetics.statistics import minus_log10_p, p_text, standardised

DRIVERS = 3
ADD, DROP = "Add as reference", "No longer a reference"
_ENSEMBL = {"hg19": "https://grch37.ensembl.org", "hg38": "https://www.ensembl.org"}
_NEAR = 100


class Prior(NamedTuple):
    """What the prior of a run says of a variant.

    Attributes
    ----------
    run
        Its name.
    fold
        Prior heritability over the mean of the study's variants.
    drivers
        Table of ``explain``; None for a prior without annotations.
    """

    run: str
    fold: float
    drivers: pd.DataFrame | None


class VariantCard(Asker):
    """A few lines, a button that makes the variant the reference, and links to other sites.

    Nothing is asked of other sites until a person opens a link.

    Parameters
    ----------
    state
        The study and its runs.
    poller
        The session's timer, for work in a thread.
    make_reference, add_reference
        Called with the variant's row in the study: to be the reference, and to be one more, or no
        longer.
    """

    def __init__(
        self,
        state: AppState,
        poller: Poller,
        make_reference: Callable[[int], None],
        add_reference: Callable[[int], None],
    ) -> None:
        super().__init__(poller)
        self.state = state
        self.row: int | None = None
        self._pips: pd.DataFrame | None = None
        self._prior: Prior | str = ""
        lines: dict[str, Any] = {"variant": "body2", "margin": 0, "sizing_mode": "stretch_width"}
        self.heading = pmui.Typography("", **lines)
        self.facts = pmui.Typography("", **lines)
        self.prior = pmui.Typography("", **lines)
        self.links = pmui.Typography("", variant="body2", margin=(4, 0), sx=_LINKS)
        small: dict[str, Any] = {"size": "small", "variant": "text", "margin": (0, 12, 0, 0)}
        self.button = pmui.Button(label="Make reference", icon="my_location", **small)
        self.another = pmui.Button(label=ADD, icon="add_location", **small)
        for button, call in ((self.button, make_reference), (self.another, add_reference)):
            button.on_click(partial(self._called, call))
        self._layout = pmui.Column(
            self.heading,
            self.facts,
            self.prior,
            pmui.FlexBox(self.button, self.another, self.links, align_items="center"),
            sizing_mode="stretch_width",
            margin=(2, 0, 0, 0),
        )

    def look_at(self, row: int, run: Any, reference: bool, others: Sequence[int] = ()) -> None:
        """Say what is known of a variant.

        Parameters
        ----------
        row
            In the study.
        run
            Whose prior is spoken of; None for none.
        reference
            Whether the others are coloured by their LD with it.
        others
            More references.
        """
        study = self.state.study
        variant = study.isel(variants=row)
        self.row = row
        self.button.disabled = reference
        full = len(others) >= MOST
        self.another.param.update(
            label=DROP if row in others else ADD,
            disabled=reference or (full and row not in others),
        )
        alleles = [text(variant[f"variant_{of}_allele"].item()) for of in ("effect", "other")]
        self.heading.object = (
            f"{'Reference variant' if reference or row in others else 'Variant'} "
            f"<b>{text(variant['variant_id'].item())}</b>, "
            f"{text(variant['variant_chromosome'].item())}:{int(variant['variant_position']):,}, "
            f"effect allele <b>{alleles[0]}</b>, other {alleles[1]}"
        )
        self.facts.object = " · ".join(_facts(variant))
        self.links.object = " ".join(_link(*link) for link in links(study, row))
        self._prior = ""
        self.forget("prior")
        if run is not None:
            self._prior = "Computing what the prior says of it…"
            self.ask("prior", lambda: _prior(study, run, row), self._tell, self._tell)
        self._draw()

    def _called(self, call: Callable[[int], None], _: Any) -> None:
        if self.row is not None:
            call(self.row)

    def follow(self, fine_mapping: pd.DataFrame | None) -> None:
        """Take in the table of a fine-mapping, or that there is none."""
        self._pips = fine_mapping
        if self.row is not None:
            self._draw()

    def _tell(self, prior: Prior | str) -> None:
        self._prior = prior
        self._draw()

    def _draw(self) -> None:
        said = self._said_of_prior() + self._said_of_pips()
        self.prior.object = " · ".join(said) or "Choose a run to see what its prior says of it."

    def _said_of_prior(self) -> list[str]:
        if isinstance(self._prior, str):
            return [text(self._prior)] if self._prior else []
        run, fold, drivers = self._prior
        said = [f"Prior heritability by {text(run)} <b>{fold:.3g}</b> × the study's mean"]
        if drivers is not None:
            top = drivers[drivers["ATTRIBUTION"] != 0][:DRIVERS]
            names = [f"{text(d.INPUT)} × {d.FOLD:.3g}" for d in top.itertuples()]
            said += [f"driven by {', '.join(names)}"] if names else []
        return said

    def _said_of_pips(self) -> list[str]:
        if self._pips is None or self.row is None:
            return []
        found = self._pips[self._pips["SNP"] == self.state.study["variant_id"].values[self.row]]
        said = []
        for row in found[:1].itertuples():
            sets = [(row.PIP, row.CREDIBLE_SET), (row.PIP_UNIFORM, row.CREDIBLE_SET_UNIFORM)]
            for prior, (pip, number) in zip(("model", "uniform"), sets, strict=True):
                member = f", set {number}" if number else ""
                said.append(f"PIP, {prior} <b>{pip:.3g}</b>{member}")
        return said


_LINKS = {"& a": {"color": "primary.main", "marginRight": "14px"}}


def _prior(study: xr.Dataset, run: Any, row: int) -> Prior:
    v = store.value(study, run, "heritability")
    plain = run.prior_type.constant or not study.sizes["annotations"]
    drivers = None if plain else store.drivers(study, run, row)
    return Prior(store.run_name(run), float(v[row] / np.nanmean(v)), drivers)


def _facts(variant: xr.Dataset) -> list[str]:
    z, n, p = (
        float(variant[f"variant_{name}"]) for name in ("z", "sample_size", "allele_frequency")
    )
    said = [f"Frequency <b>{p:.3g}</b>"] if np.isfinite(p) else []
    if not np.isfinite(z):
        return [*said, "no z-score"]
    error = float(standardised(np.array(z), np.array(n), np.array(p)))
    if np.isfinite(error):
        # Of the allele that z counts, as summary statistics that have no effects get them.
        digits = max(0, 1 - int(np.floor(np.log10(error))))
        effect = f"<b>{z * error:.{digits}f}</b> ± {error:.{digits}f}"
        said.append(f"effect {effect} s.d. per allele")
    said += [f"P <b>{p_text(minus_log10_p(np.array([z])))[0]}</b>", f"z = {z:.2f}"]
    return said + ([counted(round(n), "person")] if np.isfinite(n) else [])


def links(study: xr.Dataset, row: int) -> list[tuple[str, str]]:
    """Names and addresses of what other sites know of a variant, by its rsID and its place.

    Parameters
    ----------
    study
        Its genome build decides on the sites.
    row
        Of the variant.
    """
    name = str(study["variant_id"].values[row])
    build = str(study.attrs.get("genome_build", ""))
    chromosome = str(study["variant_chromosome"].values[row])
    position = int(study["variant_position"].values[row])
    rsid = name if re.fullmatch(r"rs\d+", name) else ""
    found = []
    if rsid:
        found.append(("dbSNP", f"https://www.ncbi.nlm.nih.gov/snp/{rsid}"))
    if build in _ENSEMBL:
        site = f"{_ENSEMBL[build]}/Homo_sapiens"
        around = quote(f"{chromosome}:{position - _NEAR}-{position + _NEAR}")
        of = f"Variation/Explore?v={rsid}" if rsid else f"Location/View?r={around}"
        found.append(("Ensembl", f"{site}/{of}"))
    if rsid:
        # Its own names have the reference allele, which a study does not know.
        found.append(("Open Targets", f"https://platform.opentargets.org/search?q={rsid}"))
    if build in _ENSEMBL:
        place = f"chr{chromosome}:{max(1, position - _NEAR)}-{position + _NEAR}"
        query = urlencode({"db": build, "position": place})
        found.append(("UCSC", f"https://genome.ucsc.edu/cgi-bin/hgTracks?{query}"))
    return found


def _link(name: str, address: str) -> str:
    # A new tab that knows nothing of this one; marks of Markdown in the address are not marks.
    return f'<a href="{text(address)}" target="_blank" rel="noopener noreferrer">{text(name)}</a>'
