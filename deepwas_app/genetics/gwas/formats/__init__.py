"""Formats of GWAS summary statistics: a file that adds one to FORMATS is all that one takes."""
