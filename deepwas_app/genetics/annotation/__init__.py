"""What is known of places in the genome: annotations of variants, tracks, sets of genes."""
