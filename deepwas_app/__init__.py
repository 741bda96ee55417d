"""DeepWAS Explorer: priors on variant effects from annotations, by the full likelihood of a GWAS.

>>> import deepwas_app as dw
>>> study = dw.open_study("height_chr22")        # doctest: +SKIP
>>> dw.explore(study)                            # doctest: +SKIP
"""

from importlib import import_module

# Name to module. Loaded on first use: reading a file must not wait for JAX or Panel.
_PUBLIC = {
    "AnnotationsPage": "deepwas_app.app.pages.annotations",
    "ComparePage": "deepwas_app.app.pages.compare",
    "ExportPage": "deepwas_app.app.pages.export",
    "InputError": "deepwas_app.errors",
    "LocusPage": "deepwas_app.app.pages.locus",
    "ScalingPage": "deepwas_app.app.pages.scaling",
    "StudyPage": "deepwas_app.app.pages.study",
    "TrainPage": "deepwas_app.app.pages.train",
    "alignment": "deepwas_app.workflow.results.posterior",
    "annotation_effects": "deepwas_app.workflow.results.effects",
    "builtin_studies": "deepwas_app.workflow.studies.builtin",
    "compare": "deepwas_app.workflow.results.compare",
    "effects_table": "deepwas_app.workflow.results.effects",
    "evaluate": "deepwas_app.workflow.results.evaluation",
    "explore": "deepwas_app.app",
    "fine_map": "deepwas_app.workflow.results.finemap",
    "fit": "deepwas_app.workflow.runs.train",
    "interaction_surface": "deepwas_app.workflow.results.response",
    "open_panel": "deepwas_app.genetics.ld.panel",
    "open_run": "deepwas_app.workflow.runs.run",
    "open_study": "deepwas_app.workflow.studies.builtin",
    "pgs_weights": "deepwas_app.workflow.results.exported.weights",
    "posterior": "deepwas_app.workflow.results.posterior",
    "read_sumstats": "deepwas_app.genetics.gwas.sumstats",
    "response_curve": "deepwas_app.workflow.results.response",
    "run_heritability": "deepwas_app.workflow.results.posterior",
    "score_people": "deepwas_app.workflow.results.score",
    "snpvar_table": "deepwas_app.workflow.results.exported.snpvar",
    "train": "deepwas_app.workflow.runs.train",
    "variant_drivers": "deepwas_app.workflow.results.interpret",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    if name.endswith("Page"):
        pages = import_module("deepwas_app.app.pages").PAGES
        for page in pages.values():
            if page.__name__ == name:
                return page
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_PUBLIC]
