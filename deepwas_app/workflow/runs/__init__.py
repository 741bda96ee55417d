"""Training: blocks split, batched and fitted; runs on disk, sweeps. Knows no result of a run."""
