"""Training: batches, models, runs, sweeps."""
