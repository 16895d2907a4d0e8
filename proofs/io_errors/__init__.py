"""Calls to the disk that fail (`python -m proofs.io_errors`)."""
