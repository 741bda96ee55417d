"""LD from every source of the field: one file per source, one LD block at a time from each."""
