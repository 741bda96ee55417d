"""Where labels meet arrays: results over runs over studies over settings and tables."""
