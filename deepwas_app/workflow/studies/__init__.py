"""Panels and studies: built from files, simulated, opened. Knows no run."""
