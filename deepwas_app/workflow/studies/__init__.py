"""Panels and studies: built, simulated, opened."""
