"""What a fitted prior says: one file a result, with its table. Reads runs and changes none."""
