"""Small views for notebook cells: one figure each, with its state as parameters both ways."""
