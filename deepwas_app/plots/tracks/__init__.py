"""The tracks of the locus figure, a file each."""

from deepwas_app.plots.track import Track
from deepwas_app.registry import Registry

TRACKS: Registry[type[Track]] = Registry("plot_tracks", "deepwas_app.plots.tracks")
"""By name, from top to bottom."""
