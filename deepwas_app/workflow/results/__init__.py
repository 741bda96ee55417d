"""What a fitted prior says, one file a result."""
