"""Pictures in notebook cells and in files: nothing needs to be set up, no other host is asked."""
