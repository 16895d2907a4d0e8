"""Benchmarks: the same work for FinWise, its peers, and the least that the stack can do (docs/performance.md)."""
