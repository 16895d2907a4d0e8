"""Odd requests as tables, each by what is odd about its rows."""
