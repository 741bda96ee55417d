"""The Study page's numbers: its size, its signal, and whether to trust it."""

import math
from typing import Any

import pandas as pd
import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.components import cells, figures, section
from deepwas_app.app.markup import text
from deepwas_app.genetics.study import summarise
from deepwas_app.workflow.tables import with_error


def study_numbers(
    study: xr.Dataset, regression: pd.DataFrame | None = None, run: Any = None, said: str = ""
) -> list[Any]:
    """Cards of a study's numbers; a line where two heritabilities are far apart.

    Parameters
    ----------
    study
        The study.
    regression
        Table ``LDSC`` of the study; None while it is being computed.
    run
        Whose heritability stands beside; None where there is none.
    said
        Why there is no regression, where it failed.
    """
    known = summarise(study)
    size = [
        ("Variants", f"{study.sizes['variants']:,}", "All variants of the LD panel"),
        ("Scored", f"{known.scored:,}", "Variants with a z-score after alignment"),
        ("LD blocks", f"{study.sizes['blocks']:,}", ""),
        ("People", _known(known.people, ",.0f", "unknown"), "Median N"),
        ("Annotations", f"{study.sizes['annotations']:,}", ""),
        ("Build", str(study.attrs.get("genome_build", "unknown")), ""),
    ]
    row, remark = _beside(regression, run)
    wait = "–" if said else "…"
    signal = [
        ("Mean χ²", _known(known.mean_chi_square, ".2f"), "1 where there is no signal"),
        ("P < 5×10⁻⁸", f"{known.hits:,}", "Genome-wide significant variants"),
        (
            "LDSC h²",
            with_error(row["h2"], row["h2_se"], 4) if row else wait,
            "Heritability of the study's variants ± s.e. by LD score regression, observed scale",
        ),
    ]
    if row and run is not None:
        signal += _of_run(row, run)
    trust = [
        (
            "λ GC",
            _known(known.inflation, ".3f"),
            "Median χ² over its value under the null; high where a trait is polygenic",
        ),
        (
            "LDSC intercept",
            with_error(row["intercept"], row["intercept_se"], 3) if row else wait,
            "Mean χ² of a variant without LD ± s.e.; above 1: stratification, or LD of others",
        ),
        (
            "LDSC ratio",
            _known(row["ratio"], ".3f") if row else wait,
            "Share of the excess of the mean χ² over 1 that is in the intercept",
        ),
    ]
    groups = ("Size", size, 4), ("Signal", signal, 4), ("Trust", trust, 4)
    cards: list[Any] = [
        cells(
            *((section(name, figures(numbers)), wide) for name, numbers, wide in groups),
            breakpoint="lg",
        )
    ]
    if remark or said:
        cards.append(pmui.Typography(text(remark or said), variant="body2", margin=(0, 0, 12, 0)))
    return cards


def _beside(regression: pd.DataFrame | None, run: Any) -> tuple[dict[Any, Any], str]:
    if regression is None:
        return {}, ""
    from deepwas_app.workflow.results.ldsc import beside

    row = (regression if run is None else beside(regression, run)).iloc[0].to_dict()
    return row, row.get("remark", "") if run is not None else ""


def _of_run(row: dict[Any, Any], run: Any) -> list[tuple[str, str, str]]:
    name = store.run_name(run)
    found = [
        (
            f"h² of {name}",
            with_error(row["run_h2"], row["run_h2_se"], 4),
            "Heritability of the study's variants under this run ± s.e., by its likelihood",
        )
    ]
    alpha, alpha_se = (run.summary.get(which) for which in ("alpha", "alpha_se"))
    if alpha_se is not None:
        found.append(
            (
                f"α of {name}",
                with_error(alpha, alpha_se, 2),
                "Heritability goes with this power of p (1 - p), learned by this run ± s.e.",
            )
        )
    return found


def _known(value: float, form: str, otherwise: str = "–") -> str:
    return otherwise if math.isnan(value) else format(value, form)
