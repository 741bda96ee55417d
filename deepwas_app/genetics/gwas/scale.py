"""The scale of P: as it is, or a logarithm, told by the values where the name does not."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_ndtr

from deepwas_app.genetics.files import is_number
from deepwas_app.genetics.gwas.finding import Finding
from deepwas_app.genetics.gwas.vocabulary import P_ROLES

_CLOSE = 0.05


def take_p(finding: Finding) -> None:
    """Find P on every scale that the file has; negative values are logarithms.

    Notes
    -----
    Which logarithm is told by effects and standard errors: the ratio of the values to
    ln P = ln 2 + ln Phi(-|z|) is 1, or 1 / ln 10.
    """
    for role in P_ROLES:
        said = role in finding.said
        for column in [c.column for c in finding.of(role)][:1]:
            finding.take(role, column, "its name")
        column = finding.roles.get(role, "")
        if not column or said or not _negative(finding.head.columns[column]):
            continue
        if role == "ln_p":
            continue
        ratio = _ratio_to_ln_p(finding, column)
        del finding.roles[role]
        if abs(ratio - 1) < _CLOSE:
            finding.take("ln_p", column, "values below 0, as ln P of the effects")
        elif abs(ratio * math.log(10) - 1) < _CLOSE:
            finding.take("log10_p", column, "values below 0, as log10 P of the effects")
        else:
            finding.asks.append(
                f"{finding.head.path}: {column} holds values below 0, where P or -log10 P are "
                f"meant. Say --column ln_p={column} or --column log10_p={column}."
            )


def _negative(values: list[str]) -> bool:
    """Whether all values are logarithms of a P; -9 alone stands for a missing one."""
    numbers = [float(value) for value in values if is_number(value)]
    return bool(numbers) and max(numbers) <= 0 and len({n for n in numbers if n < 0} - {-9.0}) > 1


def _ratio_to_ln_p(finding: Finding, column: str) -> float:
    roles = finding.roles
    if not {"beta", "se"} <= {*roles}:
        return math.nan
    beta, se, log_p = (finding.head.numbers(c) for c in (roles["beta"], roles["se"], column))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = log_p / (np.log(2) + log_ndtr(-np.abs(beta / se)))
    known = np.isfinite(ratio)
    return float(np.median(ratio[known])) if known.any() else math.nan
