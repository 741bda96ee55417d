"""The files: files in, labelled xarray Datasets out. Knows no model and no screen."""
