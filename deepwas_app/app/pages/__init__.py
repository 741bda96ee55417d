"""The pages of the dashboard, a file each."""

from typing import TYPE_CHECKING

from deepwas_app.registry import Registry

if TYPE_CHECKING:
    from deepwas_app.app.pages.base import Page

PAGES: Registry[type["Page"]] = Registry(
    "pages", "deepwas_app.app.pages", key=lambda page: page.address
)
"""By what the browser's address calls them, in the order of the menu."""
