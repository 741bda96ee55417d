"""How well finished runs predict what was held out, from their records."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.intervals import interval
from deepwas_app.workflow.results.liability import on_liability
from deepwas_app.workflow.results.locus import RunLike, opened_runs
from deepwas_app.workflow.results.selection import gains_that_differ
from deepwas_app.workflow.runs.doubted import warn
from deepwas_app.workflow.runs.fitted import Fitted
from deepwas_app.workflow.runs.summary import EVALUATION
from deepwas_app.workflow.tables import Column, Table

MILLINATS = "10⁻³ nats/variant"


def per_variant_name(column: str) -> str:
    """What a column in nats is called where it is per variant: a name has one unit."""
    return f"{column.removesuffix('_se')}_per_variant{'_se' if column.endswith('_se') else ''}"


def in_millinats(table: Table, *columns: str) -> Table:
    """The table with some of its columns as `per_variant` gives them."""
    return replace(
        table,
        columns=tuple(
            replace(column, name=per_variant_name(column.name), unit=MILLINATS)
            if column.name in columns
            else column
            for column in table
        ),
    )


# What a run could not tell is null in its record; one of version 0.1.0 has no error of h2.
_MAY_BE_MISSING = ("gain", "gain_se", "h2_se", "alpha_se")

RUNS = in_millinats(
    Table(
        "runs",
        "The runs of a study, one row a run; numbers are missing for those that are not finished.",
        (
            *EVALUATION.part("run", "prior", "parameters", "gain", "gain_se"),
            *EVALUATION.part("h2", "h2_se", "s2", "alpha", "alpha_se"),
            Column("status", "Status", "finished or unfinished"),
        ),
    ),
    "gain",
    "gain_se",
)


def evaluate(
    runs: RunLike | Iterable[RunLike],
    *,
    prevalence: float | None = None,
    case_fraction: float | None = None,
) -> pd.DataFrame:
    """Held-out gain of one or more fits over the constant prior fitted on the same blocks.

    Parameters
    ----------
    runs
        One run or several, open or by path, or the last steps of fits.
    prevalence, case_fraction
        Shares of the population and of the people of N that have the trait, to give heritability
        on the scale of the liability too; see :func:`on_liability`.

    Returns
    -------
    Table :data:`~deepwas_app.workflow.runs.summary.EVALUATION`. No gain where nothing was held out.

    Raises
    ------
    InputError
        If a run is not finished.

    Warns
    -----
    RunWarning
        If gains of runs of one study cannot be set side by side.
    """
    rows = []
    several = opened_runs(runs)
    for run in several:
        if not run.finished:
            raise InputError(f"{run.path}: is not finished. Go on with deepwas train --resume.")
        known = {c.name: run.summary.get(c.name) for c in EVALUATION if not c.optional}
        row = known | {"run": run.name}
        numbers = pd.DataFrame([row]).astype(dict.fromkeys(_MAY_BE_MISSING, float))
        of_own = run.own_study() if prevalence is not None else xr.Dataset()
        rows.append(on_liability(numbers, of_own, prevalence, case_fraction))
    # Of other studies no one would compare them.
    if len({run.study_hash for run in several}) == 1:
        for words in gains_that_differ(several):
            warn(words)
    return EVALUATION.frame(pd.concat(rows, ignore_index=True) if rows else [])


def seed_means(fits: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds of every objective and number of parameters.

    Parameters
    ----------
    fits
        One row per fit: ``objective``, ``parameters``, ``gain_per_variant`` and
        ``gain_per_variant_se``. Its attribute ``blocks`` is the number of LD blocks that were
        held out.

    Returns
    -------
    pandas.DataFrame
        ``objective``, ``parameters``, ``gain_per_variant`` (mean), ``gain_per_variant_se``,
        ``seeds``, and the ends of the 95% interval, ``low`` and ``high``. The error is the larger
        of that of one fit (over LD blocks) and that over seeds.
    """
    names = [per_variant_name(name) for name in ("gain", "gain_se")]
    rows = []
    for (objective, parameters), part in fits.groupby(["objective", "parameters"], sort=False):
        gains, errors = (part[name].astype(float) for name in names)
        between = gains.std(ddof=1) / np.sqrt(len(part)) if len(part) > 1 else 0.0
        se = np.nanmax([errors.mean(), between])
        rows.append((objective, int(parameters), gains.mean(), se, len(part)))
    means = pd.DataFrame(rows, columns=["objective", "parameters", *names, "seeds"])
    value, error = (means[name] for name in names)
    low, high = interval(value, error, fits.attrs.get("blocks"))
    return means.assign(low=low, high=high)


def per_variant(
    frame: pd.DataFrame, columns: tuple[str, ...] = ("gain", "gain_se")
) -> pd.DataFrame:
    """The rows with some columns in milli-nats per held-out variant, by names of their own.

    Parameters
    ----------
    frame
        With ``variants`` (held out) and the columns, in nats.
    columns
        What is rescaled and called as :func:`per_variant_name` says.
    """
    scale = 1e3 / frame["variants"].astype(float)
    scaled = frame.assign(**{name: frame[name].astype(float) * scale for name in columns})
    return scaled.rename(columns={name: per_variant_name(name) for name in columns})


def best_run(runs: Iterable[Fitted]) -> Fitted | None:
    """The finished run that predicts the validation chromosomes best, the newest of equal ones.

    Parameters
    ----------
    runs
        Of one study, oldest first.

    Returns
    -------
    Fitted or None
        One with a constant prior only where there is no other, one without validation
        chromosomes likewise; None where none is finished.

    Notes
    -----
    Where nobody validated, it is the one with the largest held-out gain: something must be looked
    at first. That choosing by it has a price is said where runs are compared.
    """

    def merit(run: Fitted) -> tuple[bool, float, float]:
        gains = (run.summary.get(name) for name in ("validation_gain", "gain"))
        validated, tested = (
            -np.inf if gain is None or not np.isfinite(gain) else float(gain) for gain in gains
        )
        return not run.prior_type.constant, validated, tested

    return max((run for run in [*runs][::-1] if run.finished), key=merit, default=None)
