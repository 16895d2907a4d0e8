"""A disk below the real code that is watched, loses power and fails (`python -m proofs.power_loss`, `io_errors`)."""
