"""Genotypes, phenotypes and scores of people."""
