"""What a finished run says of itself."""

from deepwas_app.workflow.tables import Column, Table

EVALUATION = Table(
    "evaluation",
    "Held-out gain of finished runs over the constant prior fitted on the same LD blocks, one row "
    "a run.",
    (
        Column("run", "Run", "name of the run"),
        Column("prior", "Prior", "how heritability depends on annotations"),
        Column("objective", "Objective", "what training maximised"),
        Column("parameters", "Parameters", "trained parameters of the prior", digits=0),
        Column("variants", "Held-out variants", "scored variants of the held-out LD blocks"),
        Column("gain", "Gain", "held-out log-likelihood over the constant prior", "nats"),
        Column("gain_se", "s.e.", "block-jackknife standard error of the gain", "nats"),
        Column("h2", "h²", "heritability of the study's variants", digits=4),
        Column("s2", "s²", "noise scale; 1 where nothing inflates the z-scores"),
        Column("kappa", "κ", "mismatch between the LD of panel and GWAS", digits=4),
    ),
)
