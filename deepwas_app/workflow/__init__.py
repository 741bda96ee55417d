"""Where labels meet arrays: settings, studies, batching, runs and results."""
