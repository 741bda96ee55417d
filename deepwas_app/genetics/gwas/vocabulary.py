"""What the columns of GWAS summary statistics are called: roles, and names for each."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

ROLES = {
    "id": "rsID or other name",
    "key": "chromosome and position in one column, with or without alleles: chr1:12345:A:G",
    "chromosome": "chromosome",
    "position": "1-based position",
    "effect_allele": "allele that the effect counts",
    "other_allele": "the other allele",
    "reference_allele": "one of two alleles of which the other one is the effect allele",
    "alternate_allele": "one of two alleles of which the other one is the effect allele",
    "frequency": "frequency of the effect allele",
    "frequency_cases": "frequency of the effect allele in cases",
    "frequency_controls": "frequency of the effect allele in controls",
    "frequency_other": "frequency of the other allele",
    "minor_frequency": "frequency of the minor allele, whichever that is",
    "frequency_allele": "the allele whose frequency is given",
    "z": "z-score",
    "beta": "effect",
    "odds_ratio": "odds or hazard ratio",
    "se": "standard error of the effect, or of the log odds ratio",
    "statistic": "z or t statistic, used where there is no standard error",
    "p": "P",
    "neg_log10_p": "-log10 P",
    "log10_p": "log10 P",
    "ln_p": "natural logarithm of P",
    "n": "sample size",
    "cases": "number of cases",
    "controls": "number of controls",
    "effective_n": "effective sample size",
    "half_effective_n": "half of the effective sample size",
    "info": "imputation quality",
    "test": "name of the test; rows other than ADD are left out",
    "flag": "mark of rows that the tool itself withdrew",
    "population": "population of the row",
}
EFFECTS = ("z", "beta", "odds_ratio")
P_ROLES = ("p", "neg_log10_p", "log10_p", "ln_p")

# As `normal` spells them, in order of preference.
_NAMES = {
    "id": "rsid rsids rs snp snpid markername marker markerid id name variantid variant varid "
    "rsnumber dbsnp dbsnpid dbsnprsid snpname snps snpids variantname rsidukb rsname uniqueid "
    "alternateids chrposid cptid chrpos chrposrefalt snpkey predictor varname identifier "
    "locusid locus key chrbp chromosomeposition chrposref snpidukb variantkey",
    "chromosome": "chr chrom chromosome chromosomename chrname chromo chrn chrnum chrnumber "
    "chromosomenumber chrid nchr contig seqname seqnames ch",
    "position": "bp pos position basepairlocation basepair basepairs basepairposition bppos "
    "bpposition bplocation positionbp posbp physpos physicalposition location coordinate coord "
    "ps loc chromosomalposition chrposition snppos snpposition begin genpos",
    "effect_allele": "effectallele ea effallele alleleeffect effectal testedallele testallele "
    "alleletested codedallele codedall assessedallele alleleassessed riskallele riskal "
    "increasingallele incallele countedallele effectsallele effall scoredallele alleleea "
    "betaallele refa "
    "effect coded tested assessed counted risk",
    "other_allele": "otherallele nea oa noneffectallele noneffallele noneffect nonea "
    "alleleother nontestedallele nontestallele noncodedallele noncodedall nonassessedallele "
    "nonriskallele referenceallelenoneffect omitted ax otherall baselineallele nonincallele "
    "decreasingallele otheral noncoded nontested other",
    "reference_allele": "ref refallele referenceallele reference alleleref aref alleler hgref",
    "alternate_allele": "alt altallele alternateallele alternativeallele alternate alternative "
    "allelealt aalt hgalt",
    "z": "z zscore zscores zvalue zval zest zestimate zeff",
    "beta": "beta b effect effectsize betas es est estimate logor logodds lnor logoddsratio "
    "lnoddsratio lnhr loghr loghazardratio coef coefficient effectestimate betahat betaestimate "
    "betaeffect effectbeta effsize alteffsize slope snpbeta allelicbeta effectweight",
    "odds_ratio": "or oddsratio odds hr hazardratio ora1 oreffect allelicor orea expbeta",
    "se": "se stderr standarderror sebeta betase seb bse seeffect effectse selogor logorse "
    "selnor lnorse stderror stderrbeta sderror sehat seest estse standarderrorbeta "
    "standarderroroflogodds logoddsse stderrlogor betastandarderror betastderr snpse slopese "
    "secorrected sec segc sedgc secorr",
    "statistic": "zstat zstatistic stat statistic tstat tstatistic t tvalue tval tscore waldz "
    "waldstat zorfstat testat waldstatistic",
    "p": "p pvalue pval pv pvalues pvaluee pvale pwald pvalwald pvaluewald waldp pscore "
    "punadj punadjusted pvalunadj pvalnominal nominalp pvaluenominal pvaluefixed passociation "
    "pvalueassociation associationp pvalassoc metap pmeta plrt pvalestimate "
    "pboltlmm pboltlmminf plinreg pgc pvaluegc pvalgc gcpvalue gcpval pdgc",
    "neg_log10_p": "mlogp mlog10p log10p neglog10p neglog10pvalue neglog10pval "
    "neglogpvalue neglogp neglogpval minuslog10p minuslog10pval minuslog10pvalue minuslogp "
    "log10pvalue log10pval logp logpvalue logpval lp nlog10p nlogp nlp mlog10pvalue mlog10pval "
    "mlogpval pvalueneglog10 pvalneglog10 pvaluemlog pneglog10 pvalmlog10 neglog10pgc "
    "pvalueneglog10gc",
    "ln_p": "lnp lnpvalue lnpval logep naturallogp",
    "n": "n ntotal totaln totalsamplesize samplesize ntot nobs obsct numsamples nsamples "
    "nsample samples ncompletesamples nanalyzed nanalysed nincluded numberofsamples "
    "numberofindividuals nindividuals nind numindividuals numberofparticipants nparticipants "
    "sampletotal totalsample ntotalsum nsum sumn alltotal samplen ninformative "
    "ns nadj people ngwas",
    "cases": "ncases ncase cases numcases nca ncas casen casesn totalcases casect numcase "
    "casestotal ncasestotal casecount casescount numberofcases ncasetotal ncaseset",
    "controls": "ncontrols ncontrol nctrl nctrls controls numcontrols nco ncon controln "
    "controlsn totalcontrols ctrlct ctrlsn numctrls numcontrol controlstotal ncontrolstotal "
    "controlcount controlscount numberofcontrols ncontroltotal ctrln",
    "effective_n": "neff effectiven neffective effectivesamplesize neffectivesamples effn "
    "effectivenumber effective totalneff neffsum sumneff",
    "half_effective_n": "neffdiv2 neffhalf halfneff neffhalves",
    "info": "info rsq r2 impinfo imputationinfo infoscore imputationquality imputequality "
    "medianinfo oevar imputationr2 inforsq machr2 impquality impr2 infoukb minimacr2",
    "test": "test",
    "flag": "errcode isspaconverge lowconfidence lowconfidencevariant fail testfail extra",
    "population": "population pop ancestry superpopulation",
}
# Who owns a frequency: a word for the allele, before or after a word for frequency.
_OWNERS = {
    "": "",
    "effect": "effectallele effect ea e eff effallele testedallele tested codedallele coded "
    "assessedallele riskallele risk countedallele scoredallele",
    "other": "otherallele oa nea noneffectallele noneffect other",
    "1": "1 a1 allele1",
    "2": "2 a2 allele2",
    "0": "0 a0 allele0",
    "a": "allelea",
    "b": "alleleb",
    "reference": "ref refallele referenceallele reference",
    "alternate": "alt altallele alternateallele alternate alternativeallele",
    "minor": "minor minorallele",
    "cases": "cases case cas aff affected altcases altcase alternatecases a1case a1cases "
    "effectallelecases eacases",
    "controls": "controls control con ctrl ctrls unaff unaffected altcontrols altcontrol "
    "alternatecontrols altctrls a1ctrl a1control a1controls effectallelecontrols eacontrols",
}
_FREQUENCY = ("frequency", "freq", "frq", "af", "allelefrequency", "allelefreq", "freqs", "f")
# Whole names beside the pairs of words.
_FREQUENCIES = {
    "effect": "eaf eafs af1freq betafreq",
    "alternate": "aaf pooledaltaf",
    "minor": "maf mafs allmaf",
    "cases": "fa frqa fcas fcase fcases eafcase eafcases cafcases",
    "controls": "fu frqu fcon fctrl fcontrols eafcontrol eafcontrols eafctrl",
    "": "caf meanaf averageaf hwefreq afmean",
}
# Pairs of alleles of which a name alone does not tell the effect allele; the first is taken first.
PAIRS = (
    ("a1 allele1 al1 a1allele snpallele1", "a2 allele2 al2 a2allele snpallele2"),
    ("a1 allele1 al1", "a0 allele0 al0"),
    ("alleleb ab", "allelea aa"),
    ("minorallele minor amin", "majorallele major amaj"),
)
# Populations of columns such as beta_EUR.
POPULATIONS = (
    "meta_hq meta ALL AFR AMR CSA SAS EAS EUR MID OCE NFE FIN AA AAM EA EAA EUA HIS HISP LAT ASN "
    "MLE TRANS multi"
)
# Words that say how numbers were made, not what they are: inv_var_meta_beta is an effect.
_HOW = re.compile(
    r"^(hm|allinvvarmeta|invvarmeta|allmeta|meta|fixedeffects?|fixed|fe|frequentistadd|gwas|all|"
    r"additive|add|overall|ivw|imp)(?=.)|"
    r"(snp|hrc|ukb|1kg|1000g(eur)?|hapmap(ceu)?|add|additive|meta|fe|fixed|fixedeffects?|"
    r"gwas|overall|ivw)$"
)
# SNPTEST numbers its coefficients and may name the terms of the model behind a colon.
_SNPTEST = re.compile(r"^(frequentist\W?_?add\W?_?[a-z]+).*$", re.I)
_BUILD = re.compile(
    r"(?:^|[\W_]|(?<=[a-z]))(?:hg|grch|ncbi|build|b|v)_?(18|19|36|37|38)(?:[\W_]|$)", re.I
)
BUILDS = {"18": "hg18", "36": "hg18", "19": "hg19", "37": "hg19", "38": "hg38"}


class Word(NamedTuple):
    """A name that means something.

    Attributes
    ----------
    role : str
        What the column holds.
    rank : int
        Of two columns of one role that of the smaller rank is taken.
    owner : str
        Of a frequency: whose it is; "" where its name does not say.
    """

    role: str
    rank: int
    owner: str = ""


def normal(name: str) -> str:
    """The letters and digits of a name, in lower case; FRQ_A_67390 without its people."""
    return re.sub(r"^(frq[au])\d+$", r"\1", re.sub(r"[^a-z0-9]", "", name.lower()))


def build_in(name: str) -> tuple[str, str | None]:
    """A name without its genome build, and the build: ("position", "hg19") of position(b37)."""
    found = _BUILD.search(name)
    if not found:
        return name, None
    return f"{name[: found.start()]}_{name[found.end() :]}", BUILDS[found.group(1)]


@cache
def _words() -> dict[str, list[Word]]:
    words: dict[str, list[Word]] = {}
    for role, names in _NAMES.items():
        for rank, name in enumerate(names.split()):
            words.setdefault(name, []).append(Word(role, rank))
    for owner, names in _FREQUENCIES.items():
        for name in names.split():
            words.setdefault(name, []).append(Word(_frequency_role(owner), 0, owner))
    for owner, names in _OWNERS.items():
        for rank, whose in enumerate(names.split() or [""]):
            for how in _FREQUENCY:
                for name in {whose + how, how + whose} - {"f", "fe", "ef", "f1", "f2", "f0"}:
                    words.setdefault(name, []).append(Word(_frequency_role(owner), rank, owner))
    return words


def _frequency_role(owner: str) -> str:
    special = {
        "minor": "minor_frequency",
        "cases": "frequency_cases",
        "controls": "frequency_controls",
        "other": "frequency_other",
    }
    return special.get(owner, "frequency")


def meanings(name: str) -> list[Word]:
    """What a column of this name may hold; nothing where the name is not known."""
    words = _words()
    short, late = normal(_SNPTEST.sub(r"\1", name)), 0
    # What a name says by itself goes before what is left of it without words on how.
    while short not in words:
        shorter = _HOW.sub("", short, count=1)
        if shorter == short or not shorter:
            return []
        short, late = shorter, late + 1000
    # all_meta_N is the number of studies.
    if late and short == "n":
        return []
    return [word._replace(rank=word.rank + late) for word in words[short]]
