"""LD panels and what they are made from."""
