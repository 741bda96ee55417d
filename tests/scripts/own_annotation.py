"""An annotation of one's own on an open study, by the names of variants."""

import pandas as pd

import deepwas_app as dw

study = dw.open_study("small.study.zarr")
score = pd.Series(study["variant_ld_score"].values, index=study["variant_id"].values)
study = dw.add_annotation(study, "LD above the median", score > score.median())
run = dw.train(study, path="mine.run", prior="linear")
effects = dw.effects(study, "mine.run").set_index("Category")
print(effects.loc["LD above the median", ["Enrichment", "Enrichment_std_error"]])
