"""Files in, labelled xarray Datasets out."""
