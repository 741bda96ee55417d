"""DeepWAS Explorer: priors on variant effects from annotations, by the full likelihood of a GWAS.

Every command has a Python name here, and so have the pictures (``plot``) and the pages. Functions
take a study first, open or by path, and runs, open, by path, or as the last step of a fit.

>>> import deepwas_app as dw
>>> study = dw.open_study("height_chr22")            # doctest: +SKIP
>>> *_, run = dw.fit(study, "linear")                # doctest: +SKIP
>>> dw.effects(study, run)                           # doctest: +SKIP
>>> dw.explore(study)                                # doctest: +SKIP
"""

from importlib import import_module

import lazy_loader

from deepwas_app.summary_card import show_datasets

# What is public is said in __init__.pyi, and loaded on first use: reading a file must not wait for
# JAX or Panel.
_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

show_datasets()


def __getattr__(name: str):
    if name == "__version__":
        from importlib.metadata import version

        return version("deepwas-explorer")
    if name in __all__:
        return _load(name)
    if name.endswith("Page"):
        # Of another package.
        for page in import_module("deepwas_app.app.pages").PAGES.values():
            if page.__name__ == name:
                return page
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
