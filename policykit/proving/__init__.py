"""What holds of every household: claims, proofs, and the households that refute them."""
