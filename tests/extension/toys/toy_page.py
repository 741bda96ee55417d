"""A page: how many variants a study has."""

import panel_material_ui as pmui

from deepwas_app.app.components import section
from deepwas_app.app.pages import PAGES
from deepwas_app.app.pages.base import Page


@PAGES.add
class CountPage(Page):
    """Counts."""

    # In the browser's address, in the menu, and where it stands there.
    address, icon, order = "count", "tag", 45
    heading = "Count"
    intro = "How many variants are there?"

    def build(self, study):
        """One number."""
        return [section("Variants", pmui.Typography(f"{study.sizes['variants']:,}"))]
