"""Where LD panels were opened in version 0.1.0: scripts that were written then go on."""

from deepwas_app.genetics.ld.panel import open_panel, read_factor

__all__ = ["open_panel", "read_factor"]
