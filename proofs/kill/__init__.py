"""Processes that are killed while devices push and pull (`python -m proofs.kill`)."""
