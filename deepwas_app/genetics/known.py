"""Associations that others found before, from a table of the GWAS Catalog."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.tables import read_table

_BUILD = "hg38"
# Of the Catalog's file of all associations, gwas_catalog_v1.0-associations.
_COLUMNS = {
    "SNPS": "variant",
    "CHR_ID": "chromosome",
    "CHR_POS": "position",
    "DISEASE/TRAIT": "trait",
    "PVALUE_MLOG": "minus_log10_p",
    "PUBMEDID": "pubmed",
}


def read_known(path: str | Path, study: xr.Dataset) -> pd.DataFrame:
    """Known associations where a study has them.

    Parameters
    ----------
    path
        A table with the columns SNPS, CHR_ID, CHR_POS, DISEASE/TRAIT, PVALUE_MLOG and PUBMEDID, as
        in https://www.ebi.ac.uk/gwas/docs/file-downloads ("All associations"), or a part of it.
    study
        Places an association by the name of its variant. Others are placed by the table where the
        study is on hg38, as the Catalog is, and left out where it is on another build.

    Returns
    -------
    pandas.DataFrame
        ``variant``, ``chromosome``, ``position``, ``trait``, ``minus_log10_p``, ``pubmed``, a row
        an association and variant; by place.

    Raises
    ------
    InputError
        If the file is none, or a column is missing.
    """
    table = read_table(path, list(_COLUMNS)).rename(columns=_COLUMNS)
    # Of several variants, as in "rs1; rs2" and "rs1 x rs2", each is one.
    table["variant"] = table["variant"].astype(str).str.split(r"\s*[;,]\s*|\s+x\s+", regex=True)
    table = table.explode("variant", ignore_index=True)
    for name in ("position", "minus_log10_p"):
        table[name] = pd.to_numeric(table[name], errors="coerce")
    table["chromosome"] = chromosomes.normalise(table["chromosome"].astype(str))
    names = pd.Index(study["variant_id"].values.astype(str))
    unique = pd.Series(np.arange(len(names)), names)
    row = table["variant"].map(unique[~unique.index.duplicated()]).to_numpy(float)
    named = np.isfinite(row)
    at = row[named].astype(int)
    table.loc[named, "chromosome"] = study["variant_chromosome"].values.astype(str)[at]
    table.loc[named, "position"] = study["variant_position"].values[at]
    placed = named | (study.attrs.get("genome_build") == _BUILD)
    known = table[placed & table["position"].notna() & table["minus_log10_p"].notna()]
    known = known.astype({"position": "int64"})
    return known.sort_values(["chromosome", "position"], ignore_index=True)
