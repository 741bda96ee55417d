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
# Two hyphens are a flag.
smartquotes = False
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
autodoc_typehints = "none"

html_theme = "pydata_sphinx_theme"
html_title = project
html_show_sourcelink = False
# Of pages that have none below them.
html_sidebars = {"*": [], "_generated/commands": []}
html_theme_options = {"navigation_with_keys": False, "show_nav_level": 1}


def _mathml(display: str, around: str):
    def visit(translator, node: nodes.Element) -> None:
        formula = latex2mathml.converter.convert(node.astext(), display=display)
        translator.body.append(around.format(formula))
        raise nodes.SkipNode

    return visit, None


def setup(app) -> None:
    """Formulas as MathML, which browsers draw themselves: no script, and no other host."""
    block = '<div style="margin: 1em 0; overflow-x: auto">{}</div>'
    app.add_html_math_renderer("mathml", _mathml("inline", "{}"), _mathml("block", block))


html_math_renderer = "mathml"
