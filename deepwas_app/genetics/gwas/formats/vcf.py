"""GWAS-VCF, whose statistics are packed in one field."""

from pathlib import Path
from typing import Any

from deepwas_app.genetics.gwas.format import FORMATS, named_columns


def _read(path: Path, roles: dict[str, str]) -> Any:
    # pyarrow need not be there to list the formats.
    from deepwas_app.genetics.gwas.vcf import read_gwas_vcf

    return read_gwas_vcf(path, roles)


FORMATS.add(
    named_columns(
        "GWAS-VCF",
        "CHROM POS ID REF ALT QUAL FILTER INFO FORMAT",
        id="ID",
        chromosome="CHROM",
        position="POS",
        effect_allele="ALT",
        other_allele="REF",
        frequency="AF",
        beta="ES",
        se="SE",
        statistic="EZ",
        neg_log10_p="LP",
        n="SS",
        cases="NC",
        order=10,
        read=_read,
    )
)
