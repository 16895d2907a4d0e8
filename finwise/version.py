"""The version of the server, named in every sync answer as `server_version`."""

__version__ = "0.1.0"
