"""One's own GWAS, LD and annotations, through Python alone."""

import deepwas_app as dw

data = "data/height_chr22"
gwas = dw.read_sumstats(f"{data}/height.fastGWA.gz")
eur = dw.build_ld(bfile=f"{data}/genotypes", blocks="blocks.bed", output="eur")
panel = dw.open_panel(eur)
annotations = dw.read_annotations([f"{data}/annotations.tsv.gz", "genes"], panel)
path = dw.build_study(sumstats=gwas, ld=panel, annotations=annotations, output="height")
study = dw.open_study(path)
*_, run = dw.fit(study, "linear")
effects = dw.effects(study, run)
print(effects.nlargest(5, "Enrichment")[["Category", "Enrichment", "Enrichment_p"]])
