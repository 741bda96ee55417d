"""LD panels: blocks, their factors, and the sources that they are made from."""
