"""Summary statistics: reading, lifting over, aligning to a panel."""
