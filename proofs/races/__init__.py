"""Deleting, restoring and backing up, each raced by devices (`python -m proofs.races`)."""
