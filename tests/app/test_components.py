"""Pieces of pages that must fit on narrow screens."""

import panel_material_ui as pmui

from deepwas_app.app.components import figures


def test_a_number_with_its_error_may_break_into_lines():
    card = figures("h²", "0.0054 ± 0.0008")
    (value,) = [o for o in card.select(pmui.Typography) if "±" in o.object]
    assert "whiteSpace" not in value.sx
