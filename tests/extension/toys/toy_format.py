"""A format of summary statistics, recognised by its columns."""

from deepwas_app.genetics.gwas.format import FORMATS, named_columns

FORMATS.add(
    named_columns(
        "Toy",
        "name counted other toy_z people",
        id="name",
        effect_allele="counted",
        other_allele="other",
        z="toy_z",
        n="people",
    )
)
