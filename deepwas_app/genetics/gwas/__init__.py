"""Summary statistics: read from any format, lifted over, aligned to a panel."""
