"""One module a command: its settings, and what it does with them."""
