"""Proofs: programs that try to make FinWise lose something, and say how hard they tried (docs/reliability.md)."""

from finwise import passwords

# No proof is about hashing, and thousands of times a server starts in one, which hashes once each time. Those that run
# `finwise serve` hash at full cost.
passwords.MEMORY, passwords.PASSES = 64, 1
