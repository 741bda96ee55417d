"""A locus plot in a file that needs no network."""

import deepwas_app as dw

study = dw.open_study("small.study.zarr")
*_, run = dw.fit(study, "linear")
found = dw.fine_map(study, run, "5:1-300kb")
locus = dw.plot.locus(study, "5:1-300kb", run, fine_mapping=found.table)
dw.plot.save(locus, "locus.html")
dw.plot.save(dw.plot.manhattan(study), "manhattan.html")
