"""Devices with wrong clocks and a bad network against the real rules and store (`python -m proofs.model`)."""
