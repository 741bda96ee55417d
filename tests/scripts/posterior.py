"""Posterior effects, and the causal variants of the strongest locus."""

import numpy as np

import deepwas_app as dw

study = dw.open_study("small.study.zarr")
*_, run = dw.fit(study, "linear")
effects = dw.posterior(study, run)
best = int(np.nanargmax(np.abs(effects["variant_posterior_mean"].values)))
chromosome, position = (study[f"variant_{k}"].values[best] for k in ("chromosome", "position"))
found = dw.fine_map(study, run, f"chr{chromosome}:{position}", effects=5, coverage=0.9)
print(found.sets, found.table.nlargest(5, "PIP"), sep="\n")
written = dw.export(study, run, weights="weights.tsv", snpvar="snpvar.tsv", floor=True)
