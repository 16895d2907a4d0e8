"""What a person opens in a browser: the start page and the API document's page. Nothing comes from elsewhere."""

from importlib.resources import files

from flask import Blueprint, Response, render_template, send_from_directory
from werkzeug.exceptions import PreconditionFailed

from finwise import demo
from finwise.api import context
from finwise.api.errors import http_error
from finwise.version import __version__

POLICY = "; ".join(
    [
        "default-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # Swagger UI sets styles on elements
        "img-src 'self' data:",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
)

blueprint = Blueprint("pages", __name__, static_folder="static", static_url_path="/static", template_folder="templates")


@blueprint.get("/")
def start() -> str:
    """Says that the server is running, and links to the rest."""
    has_demo = bool(context.settings().demo) and demo.find_book(context.domain()) is not None
    return render_template("start.html", version=__version__, has_demo=has_demo)


@blueprint.get("/docs")
def docs() -> str:
    """The API document, to read and to try."""
    return render_template("docs.html")


@blueprint.get("/docs/assets/<path:name>")
def docs_asset(name: str) -> Response:
    """A file of Swagger UI, as its package brings it."""
    return send_from_directory(str(files("flask_swagger_ui") / "dist"), name, max_age=3600)


@blueprint.after_request
def protect(answer: Response) -> Response:
    """Keeps the pages from running or loading anything that is not ours."""
    return kept_to(POLICY, answer)


def kept_to(policy: str, answer: Response) -> Response:
    """The answer under a Content-Security-Policy."""
    if answer.status_code == 412:  # with the whole file, which is what the condition was to prevent
        answer.close()
        answer = http_error(PreconditionFailed())
    answer.headers["Content-Security-Policy"] = policy
    return answer
