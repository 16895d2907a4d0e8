"""`python -m finwise` is `finwise`."""

from finwise.cli import main

main(prog_name="finwise")
