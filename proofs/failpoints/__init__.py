"""Deaths at every step (`python -m proofs.failpoints`)."""
