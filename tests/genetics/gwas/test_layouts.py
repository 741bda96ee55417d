"""Every layout that people download, each header written from one set of rows of known truth."""

from __future__ import annotations

import numpy as np
import pytest

from deepwas_app.genetics.gwas.meaning import understand
from deepwas_app.genetics.gwas.sumstats import read_sumstats

PAN = "chr=chr pos=pos ref=other alt=effect " + " ".join(
    f"af_cases_{p}=junk af_controls_{p}=junk beta_{p}=wrong se_{p}=junk {{}}_{p}=junk "
    f"low_confidence_{p}=false"
    for p in ("meta_hq", "meta", "AFR", "AMR", "CSA", "EAS", "EUR", "MID")
)
PAN = PAN.replace("af_cases_EUR=junk af_controls_EUR=junk", "af_EUR=freq")
PAN = PAN.replace("beta_EUR=wrong se_EUR=junk {}_EUR=junk", "beta_EUR=beta se_EUR=se {}_EUR=@")
DANER = (
    "CHR=chr SNP=id BP=pos A1=effect A2=other FRQ_A_67390=freq FRQ_U_94015=freq INFO=1 OR=or "
    "SE=se P=p ngt=0 Direction=word HetISqt=junk HetDf=junk HetPVa=junk"
)
PGC = (
    "CHROM=chr ID=id POS=pos A1=effect A2=other FCAS=freq FCON=freq IMPINFO=1 BETA=beta SE=se "
    "PVAL=p NCAS=cases NCON=controls"
)
PEOPLE = 4 / (1 / 67390 + 1 / 94015)
# Name: columns, and what a file of this layout does not have or what is special about it.
LAYOUTS: dict[str, tuple[str, dict[str, object]]] = {
    "FinnGen R6": (
        "#chrom=chr pos=pos ref=other alt=effect rsids=id nearest_genes=word pval=p mlogp=mlogp "
        "beta=beta sebeta=se af_alt=freq af_alt_cases=junk af_alt_controls=junk",
        {"n": None},
    ),
    "FinnGen R3": (
        "#chrom=chr pos=pos ref=other alt=effect rsids=id nearest_genes=word pval=p beta=beta "
        "sebeta=se maf=maf maf_cases=maf maf_controls=maf",
        {"n": None, "frequency": None},
    ),
    "Pan-UKB": (
        PAN.format(*["neglog10_pval"] * 8).replace("@", "mlogp"),
        {"n": None, "population": "EUR"},
    ),
    "Pan-UKB, ln P": (
        PAN.format(*["pval"] * 8).replace("@", "lnp"),
        {"n": None, "population": "eur"},
    ),
    "Neale round 2": (
        "variant=key minor_allele=minor minor_AF=maf low_confidence_variant=false "
        "n_complete_samples=n AC=junk ytx=junk beta=beta se=se tstat=z pval=p",
        {},
    ),
    "PheWeb": (
        "chrom=chr pos=pos ref=other alt=effect rsids=id nearest_genes=word pval=p beta=beta "
        "sebeta=se af=freq num_samples=n",
        {},
    ),
    "GBMI": (
        "#CHR=chr POS=pos REF=other ALT=effect rsid=id all_meta_AF=freq inv_var_meta_beta=beta "
        "inv_var_meta_sebeta=se inv_var_meta_p=p inv_var_het_p=junk direction=word N_case=cases "
        "N_ctrl=controls n_dataset=junk n_bbk=junk is_strand_flip=word",
        {"n": "neff"},
    ),
    "METAL": (
        "MarkerName=key_ Allele1=lower_effect Allele2=lower_other Freq1=freq FreqSE=junk "
        "Effect=beta StdErr=se P-value=p Direction=word HetISq=junk HetPVal=junk",
        {"n": None},
    ),
    "METAL by sample size": (
        "MarkerName=id Allele1=lower_effect Allele2=lower_other Weight=n Zscore=z P-value=p "
        "Direction=word",
        {"frequency": None, "place": None},
    ),
    "GIANT 2015": (
        "SNP=id A1=effect A2=other Freq1.Hapmap=freq b=beta se=se p=p N=n",
        {"place": None},
    ),
    "GIANT 2018": (
        "CHR=chr POS=pos SNP=id Tested_Allele=effect Other_Allele=other Freq_Tested_Allele=freq "
        "BETA=beta SE=se P=p N=n INFO=1",
        {},
    ),
    "GIANT 2022": (
        "SNPID=key RSID=id CHR=chr POS=pos EFFECT_ALLELE=effect OTHER_ALLELE=other "
        "EFFECT_ALLELE_FREQ=freq BETA=beta SE=se P=p N=n",
        {},
    ),
    "PGC": (f"{PGC} NEFF=neff", {"n": "neff"}),
    "PGC, half": (f"{PGC} NEFFDIV2=half", {"n": "neff"}),
    "PGC, neither": (PGC, {"n": "neff"}),
    "PGC, above the header": (
        PGC.replace(" NCAS=cases NCON=controls", ""),
        {
            "n": PEOPLE,
            "above": '##fileformat=PGCsumstatsV1.0\n##genomeReference="GRCh37"\n'
            "##nCase=67390\n##nControl=94015\n",
            "build": "hg19",
        },
    ),
    "PGC daner": (f"{DANER} Nca=cases Nco=controls Neff_half=half", {"n": "neff"}),
    "PGC daner, names": (DANER, {"n": PEOPLE}),
    "MVP": (
        "SNP_ID=id CHR=chr POS=pos Allele1=other Allele2=effect EAF=freq EA=effect beta=beta "
        "sebeta=se pval=p r2=1 n=n",
        {},
    ),
    "DIAMANTE": (
        "chromosome(b37)=chr position(b37)=pos chrposID=place rsID=id effect_allele=lower_effect "
        "other_allele=lower_other effect_allele_frequency=freq Fixed-effects_beta=beta "
        "Fixed-effects_SE=se Fixed-effects_p-value=p",
        {"n": None, "separator": " ", "build": "hg19"},
    ),
    "GLGC 2021": (
        "rsID=id CHROM=chr POS_b37=pos REF=other ALT=effect N=n N_studies=junk POOLED_ALT_AF=freq "
        "EFFECT_SIZE=beta SE=se pvalue_neg_log10=mlogp pvalue=p pvalue_neg_log10_GC=junk "
        "pvalue_GC=junk",
        {"build": "hg19"},
    ),
    "GLGC 2013": (
        "SNP_hg18=place SNP_hg19=place rsid=id A1=lower_effect A2=lower_other beta=beta se=se "
        "N=n P-value=p Freq.A1.1000G.EUR=freq",
        {"build": "hg19", "preferred": "hg19"},
    ),
    "SSGAC": (
        "rsID=id Chr=chr BP=pos Effect_allele=effect Other_allele=other EAF_HRC=freq Beta=beta "
        "SE=se P=p",
        {"n": None},
    ),
    "gwaslab": (
        "SNPID=key rsID=id CHR=chr POS=pos EA=effect NEA=other EAF=freq BETA=beta SE=se P=p "
        "MLOG10P=mlogp N=n STATUS=junk",
        {},
    ),
    "OpenGWAS": (
        "chr=chr position=pos beta=beta se=se p=p n=n id=word rsid=id ea=effect nea=other "
        "eaf=freq trait=word",
        {},
    ),
    "GEMMA": (
        "chr=chr rs=id ps=pos n_miss=0 allele1=effect allele0=other af=freq beta=beta se=se "
        "logl_H1=junk l_remle=junk p_wald=p",
        {"n": None},
    ),
    "SNPTEST": (
        "alternate_ids=key rsid=id chromosome=chr position=pos alleleA=other alleleB=effect "
        "index=junk average_maximum_posterior_call=1 info=1 all_AA=junk all_AB=junk all_BB=junk "
        "all_total=n all_maf=maf frequentist_add_pvalue=p frequentist_add_info=1 "
        "frequentist_add_beta_1=beta frequentist_add_se_1=se comment=none",
        {"separator": " ", "frequency": None, "above": "# Analysis: snptest\n# started: now\n"},
    ),
    "PLINK 1": (
        "CHR=chr SNP=id BP=pos A1=effect TEST=add NMISS=n BETA=beta STAT=z P=p",
        {"separator": "  ", "frequency": None, "other": None},
    ),
    "PLINK 1, odds": (
        "CHR=chr SNP=key BP=pos A1=effect TEST=add NMISS=n OR=or STAT=z P=p",
        {"separator": "  ", "frequency": None, "id": None},
    ),
    "PLINK 1 assoc": (
        "CHR=chr SNP=id BP=pos A1=effect F_A=freq F_U=freq A2=other CHISQ=junk P=p OR=or",
        {"separator": "  ", "n": None},
    ),
    "GWAS-SSF, odds": (
        "chromosome=chr base_pair_location=pos effect_allele=effect other_allele=other "
        "odds_ratio=or standard_error=se effect_allele_frequency=freq neg_log_10_p_value=mlogp "
        "variant_id=key_ rsid=id ref_allele=word n=n",
        {},
    ),
    "SAIGE, binary": (
        "CHR=chr POS=pos MarkerID=id Allele1=other Allele2=effect AC_Allele2=junk AF_Allele2=freq "
        "imputationInfo=1 BETA=beta SE=se Tstat=junk var=junk p.value=p p.value.NA=junk "
        "Is.SPA.converge=1 AF_case=junk AF_ctrl=junk N_case=cases N_ctrl=controls",
        {"n": "neff"},
    ),
    "CARDIoGRAM 2011": (
        "SNP=id chr_pos_(b36)=place reference_allele=effect other_allele=other "
        "ref_allele_frequency=freq pvalue=p het_pvalue=junk log_odds=beta log_odds_se=se "
        "N_case=cases N_control=controls model=word",
        {"n": "neff", "build": "hg18"},
    ),
    "CARDIoGRAMplusC4D": (
        "markername=id chr=chr bp_hg19=pos effect_allele=effect noneffect_allele=other "
        "effect_allele_freq=freq median_info=1 model=word beta=beta se_dgc=se p_dgc=p "
        "het_pvalue=junk n_studies=junk",
        {"n": None, "build": "hg19"},
    ),
    "ReproGen": (
        "Markername=place Allele1=lower_effect Allele2=lower_other Effect=beta Pvalue=p "
        "Minor_Allele=minor",
        {"n": None, "frequency": None},
    ),
    "deCODE": (
        "Chrom=chr7 Pos=pos Name=key rsids=id effectAllele=effect otherAllele=other Beta=beta "
        "Pval=p minus_log10_pval=mlogp SE=se N=n ImpMAF=maf",
        {"frequency": None},
    ),
    "BBJ": (
        "v=key SNPID=key_ CHR=chr POS=pos Allele1=other Allele2=effect AC_Allele2=junk "
        "AF_Allele2=freq Rsq=1 BETA=beta SE=se p.value=p N=n",
        {"id": None},
    ),
    "Jenger": (
        "SNP=id CHR=chr POS=pos REF=other ALT=effect Frq=freq Rsq=1 BETA=beta SE=se P=p N=n",
        {},
    ),
    "MTAG": (
        "SNP=id CHR=chr BP=pos A1=effect A2=other Z=junk N=n FRQ=freq mtag_beta=beta mtag_se=se "
        "mtag_z=z mtag_pval=p",
        {},
    ),
    "GenomicSEM": (
        "SNP=id CHR=chr BP=pos MAF=maf A1=effect A2=other lhs=word op=word rhs=word free=0 "
        "label=word est=beta SE=se Z_Estimate=z Pval_Estimate=p chisq=junk fail=0 warning=0",
        {"n": None, "frequency": None},
    ),
    "METAL, renamed": (
        "CHR=chr BP=pos SNP=id Allele1=lower_effect Allele2=lower_other Effect=beta StdErr=se "
        "P.value=p Direction=word N=n",
        {"frequency": None},
    ),
    "PRS-CS, with places": (
        "SNP=id CHR=chr BP=pos A1=effect A2=other MAF=maf BETA=beta SE=se P=p N=n",
        {"frequency": None},
    ),
    "LDAK": (
        "Chromosome=chr Predictor=id Basepair=pos A1=effect A2=other Wald_Stat=z Wald_P=p "
        "Effect=beta SD=se A1_Mean=junk MAF=maf",
        {"n": None, "frequency": None},
    ),
    "GWAMA": (
        "rs_number=place reference_allele=effect other_allele=other eaf=freq beta=beta se=se "
        "beta_95L=junk beta_95U=junk z=z p-value=p _-log10_p-value=mlogp q_statistic=junk "
        "q_p-value=junk i2=junk n_studies=junk n_samples=n effects=word",
        {},
    ),
    "GTEx": (
        "variant_id=key_ maf=maf ma_count=junk pval_nominal=p slope=beta slope_se=se",
        {"n": None, "frequency": None},
    ),
    "EPACTS": (
        "#CHROM=chr BEGIN=pos END=junk MARKER_ID=key NS=n AC=junk CALLRATE=1 MAF=maf PVALUE=p "
        "BETA=beta SEBETA=se TSTAT=z R2=junk",
        {"frequency": None},
    ),
    "COVID HGI": (
        "#CHR=chr POS=pos REF=other ALT=effect SNP=key all_meta_N=1 all_inv_var_meta_beta=beta "
        "all_inv_var_meta_sebeta=se all_inv_var_meta_p=p all_inv_var_het_p=junk "
        "all_inv_var_meta_cases=cases all_inv_var_meta_controls=controls "
        "all_inv_var_meta_effective=neff all_meta_AF=freq rsid=id",
        {"n": "neff"},
    ),
    "by hand": (
        "Chromosome=chr Position_(bp)=pos Rs_ID=id Effect_Allele=effect Non-Effect_Allele=other "
        "Effect_Allele_Frequency=freq Beta_Estimate=beta Standard_Error=se P-Value=p "
        "Sample_Size=n",
        {},
    ),
    "other's frequency": (
        "rsid=id chrom=chr pos=pos EA=effect OA=other oaf=freq_other zscore=z n=n",
        {},
    ),
    "REF's frequency beside an effect allele": (
        "rsid=id chrom=chr pos=pos EA=effect REF=other ALT=effect ref_af=freq_other beta=beta "
        "se=se n=n",
        {},
    ),
    "log10 P": (
        "rsid=id chrom=chr pos=pos EA=effect OA=other EAF=freq beta=beta se=se log10p=log10p n=n",
        {},
    ),
    "an allele called Effect": (
        "rsid=id chrom=chr pos=pos Effect=effect Other=other EAF=freq beta=beta se=se p=p n=n",
        {},
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_read_with_the_right_allele(written, truth, name: str):
    layout, special = LAYOUTS[name]
    path = written(layout, **special)
    size = special.get("n", "n")
    size = getattr(truth, size) if isinstance(size, str) else size
    options = {
        "n": 500 if size is None else None,
        "population": special.get("population", ""),
        "build": special.get("preferred", ""),
    }
    sumstats = read_sumstats(path, **options)
    assert sumstats.attrs["dropped"] == {}
    np.testing.assert_allclose(sumstats["variant_z"], truth.z, rtol=2e-3)
    assert sumstats["variant_effect_allele"].values.tolist() == truth.effect.tolist()
    if special.get("other", 1) is None:
        assert "variant_other_allele" not in sumstats
    else:
        assert sumstats["variant_other_allele"].values.tolist() == truth.other.tolist()
    frequency = truth.freq if special.get("frequency", 1) is not None else np.nan
    np.testing.assert_allclose(sumstats["variant_allele_frequency"], frequency, rtol=1e-5)
    np.testing.assert_allclose(sumstats["variant_sample_size"], 500 if size is None else size)
    if special.get("place", 1) is not None:
        assert set(sumstats["variant_chromosome"].values) == {"7"}
        assert sumstats["variant_position"].values.tolist() == truth.pos.tolist()
    if special.get("id", 1) is not None and "=id " in layout:
        assert sumstats["variant_id"].values.tolist() == truth.id.tolist()
    assert sumstats.attrs.get("genome_build") == special.get("build")


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_order_of_columns_means_nothing(written, name: str):
    layout, special = LAYOUTS[name]
    first, *rest = layout.split()
    # The first may be marked with a #.
    turned = f"{first} {' '.join(reversed(rest))}"
    expected = understand(written(layout, **special), **preferred(special)).roles
    assert understand(written(turned, **special), **preferred(special)).roles == expected


@pytest.mark.parametrize("name", LAYOUTS)
def test_names_may_be_of_any_case_and_parted_by_anything(written, name: str):
    """Roles stay, whatever stands between the words."""
    layout, special = LAYOUTS[name]
    expected = understand(written(layout, **special), **preferred(special)).roles
    for mark in ".", "-":
        names = [word.rpartition("=") for word in layout.split()]
        changed = {n: swapped(n, mark) for n, _, _ in names}
        text = " ".join(f"{changed[n]}={word}" for n, _, word in names)
        found = understand(written(text, **special), **preferred(special))
        assert found.asks == []
        assert found.roles == {r: changed.get(c, changed.get(f"#{c}", "").strip("#"))
                               for r, c in expected.items()}  # fmt: skip


def preferred(special: dict[str, object]) -> dict[str, str]:
    population, build = special.get("population", ""), special.get("preferred", "")
    return {"population": str(population), "build": str(build)}


def swapped(name: str, mark: str) -> str:
    """A column's name in the other case, with another mark between its words."""
    if name.lower().startswith("frq_") or "_b3" in name or "(b3" in name or "_hg1" in name:
        return name.swapcase()
    for population in ("meta_hq", "meta", "AFR", "AMR", "CSA", "EAS", "EUR", "MID"):
        if name.endswith(f"_{population}") and not name.startswith(("all", "inv")):
            return name.removesuffix(f"_{population}").swapcase() + f"_{population}"
    return name.swapcase().replace("_", mark)
