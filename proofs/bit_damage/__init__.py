"""Damaged files (`python -m proofs.bit_damage`)."""
