"""Annotations, tracks and genes."""
