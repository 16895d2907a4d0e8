"""A server and its disk that are lost and come back from a replica (`python -m proofs.litestream`)."""
