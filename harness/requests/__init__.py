"""Requests as people, careless programs and strangers send them, to an installation in this process."""
