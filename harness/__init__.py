"""What tests, proofs and benchmarks share. It imports finwise, and none of these three."""
