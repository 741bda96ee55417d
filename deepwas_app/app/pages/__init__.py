"""The pages; each also works alone in a notebook cell."""
