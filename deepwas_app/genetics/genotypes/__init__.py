"""People: their genotypes, phenotypes and polygenic scores."""
