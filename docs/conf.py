"""How Sphinx builds these pages: ``make docs``."""

import sys
from pathlib import Path

import latex2mathml.converter
from docutils import nodes

import deepwas_app

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from generated import write_pages  # noqa: E402

write_pages(HERE / "_generated")

project = "DeepWAS Explorer"
author = copyright = "The DeepWAS Explorer developers"
version = release = deepwas_app.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "myst_nb"]
exclude_patterns = ["_build", "_templates", "_generated/*.inc.md"]
templates_path = ["_templates"]

# Notebooks are run by the tests, and kept without outputs.
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
autodoc_typehints = "none"
# Files that are not pages, named by pages that are read in the repository too.
suppress_warnings = ["myst.xref_missing"]

html_theme = "pydata_sphinx_theme"
html_title = project
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": False, "show_nav_level": 1}


def _mathml(display: str):
    def visit(translator, node: nodes.Element) -> None:
        translator.body.append(latex2mathml.converter.convert(node.astext(), display=display))
        raise nodes.SkipNode

    return visit, None


def setup(app) -> None:
    """Formulas as MathML, which browsers draw themselves: no script, and no other host."""
    app.add_html_math_renderer("mathml", _mathml("inline"), _mathml("block"))


html_math_renderer = "mathml"
