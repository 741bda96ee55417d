"""Plain plots as the last line of a notebook cell."""

from functools import partial
from typing import Any

import holoviews as hv
from bokeh.document import Document
from bokeh.embed.util import OutputDocumentFor
from bokeh.model import Model
from holoviews.core.dimension import Dimensioned

Content = tuple[dict[str, Any], dict[str, Any]]

# Where HoloViews looks for what shows its objects; after hv.extension() it finds its own.
_GROUP = "html"


def show_plots() -> None:
    """Let HoloViews objects show in cells without ``hv.extension()``, unless something does."""
    if not hv.Store._display_hooks:
        hv.Store.set_display_hook(_GROUP, Dimensioned, content)


def with_content(drawn: Model) -> Any:
    """A Bokeh figure or layout that shows in cells: Bokeh's own print what they are."""
    # Not a subclass: Bokeh knows its classes by name.
    shown: Any = drawn
    shown._repr_mimebundle_ = partial(_of_model, drawn)
    return shown


def content(drawn: Any) -> Content | None:
    """What a cell displays of a HoloViews object or a Bokeh model; None in a terminal."""
    from IPython import get_ipython

    if not hasattr(get_ipython(), "kernel"):
        return None
    # Late: plots that are saved do without Panel.
    from panel.io.notebook import render_model

    from deepwas_app.cells.resources import load

    load()
    model = drawn if isinstance(drawn, Model) else hv.render(drawn, backend="bokeh")
    with OutputDocumentFor([model], always_new=True) as document:
        place: Any = document
        place.to_json = partial(_without_definitions, document)
        return render_model(model)


def _without_definitions(document: Document, **how: Any) -> Any:
    """What is in a document, without how Panel's own models are made: 0.15 MB, for none of them."""
    found: Any = Document.to_json(document, **how)
    found.pop("defs", None)
    return found


def _of_model(drawn: Model, **_: Any) -> Content | None:
    return content(drawn)
