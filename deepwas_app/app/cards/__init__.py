"""Parts of pages, each with its own widgets and jobs. Knows no page."""
