"""An exported table: the variants with the largest prior."""

import param

from deepwas_app.workflow.results.exports import EXPORTS, Export
from deepwas_app.workflow.tables import Column, Table

TOP = Table(
    "top",
    "The variants with the largest prior, one row a variant.",
    (
        Column("SNP", "Variant", "its name"),
        Column("PRIOR", "Prior", "prior variance of the standardised effect", "", ".3e"),
    ),
)


class TopOptions(param.Parameterized):
    """How many."""

    top_count = param.Integer(5, bounds=(1, None), doc="How many variants to list.")


def top_table(study, run, *, top_count):
    """The variants with the largest prior."""
    from deepwas_app.workflow.results.heritability import heritability

    v = heritability(study, run)
    rows = (-v).argsort()[:top_count]
    return TOP.frame({"SNP": study["variant_id"].values[rows], "PRIOR": v[rows]})


EXPORTS.add(
    Export(
        name="toy-top",  # deepwas export --toy-top FILE
        title="Top of the prior",
        doc="The variants with the largest prior.",
        purpose="A short list for **people**.",
        table=TOP,
        compute=top_table,
        ending="top.tsv",
        options=TopOptions,
    )
)
