"""Strangers: what an ordinary household feels, and what a worker's memory does, while others misuse the server."""
