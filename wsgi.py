"""The application for any WSGI server: `gunicorn wsgi:app`."""

from finwise import create_app

app = create_app()
