"""Several seeds of a network: how much training leaves to chance."""

import deepwas_app as dw

study = dw.open_study("small.study.zarr")
runs = []
for seed in range(3):
    *_, run = dw.fit(study, "mlp", width=8, depth=1, epochs=2, seed=seed)
    runs.append(run)
gains = dw.evaluate(runs)
curve = dw.response(study, runs, "Continuous 1", points=11)
print(gains["gain"].describe(), curve[["VALUE", "EFFECT", "LOW", "HIGH"]], sep="\n")
