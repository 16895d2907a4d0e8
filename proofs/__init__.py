"""Proofs: programs that try to make FinWise lose something, and say how hard they tried (docs/reliability.md)."""
