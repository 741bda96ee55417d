"""Tables that leave a page: the very text that the command writes."""

import io
from collections.abc import Callable
from typing import Any

import panel_material_ui as pmui


def download(text: Callable[[], str], filename: str, label: str) -> pmui.FileDownload:
    """A button that gives ``text()``, made when it is pressed, as a file."""

    def content() -> io.StringIO:
        return io.StringIO(text())

    options: dict[str, Any] = {"size": "small", "margin": (4, 8, 4, 0)}
    button = pmui.FileDownload(
        callback=content, filename=filename, label=label, icon="download", **options
    )
    # Not in the constructor: there it warns of an option that nobody gave.
    button.variant = "outlined"
    return button
