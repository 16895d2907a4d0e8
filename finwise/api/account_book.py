"""The account book's page at `/app/`: the files that the build step has made, and the door to the demo book."""

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, send_from_directory
from werkzeug.exceptions import NotFound

from finwise import demo
from finwise.api import context
from finwise.api.pages import kept_to

BUILT = Path(__file__).parent / "built"
# What a page is made of. Named here, since what mimetypes says depends on the machine; nothing else is served.
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
INDEX = "index.html"
HASHED = "assets/"  # below it names change with contents
FOR_EVER = 365 * 24 * 3600  # seconds

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "frame-ancestors 'none'",
        "form-action 'none'",
        "base-uri 'none'",
    ]
)

blueprint = Blueprint("account_book", __name__, template_folder="templates")


def is_built() -> bool:
    """Whether there is a page to serve."""
    return (BUILT / INDEX).is_file()


@blueprint.get("/app/")
def page() -> Any:
    """The page; without one, how to build it."""
    if not request.path.endswith("/"):
        return redirect("app/", 308)  # what the page loads is named from here
    return _page()


@blueprint.get("/app/<path:name>")
def file(name: str) -> Any:
    """A file of the page."""
    return _page() if name == INDEX else _file(name)


@blueprint.post("/app/demo")
def enter_demo() -> tuple[dict[str, str], int]:
    """A token for the demo book and nothing else, if this server shows it to everybody."""
    if not context.settings().demo:
        raise NotFound
    admission = context.door().admit(context.now())
    return {"token": admission.token, "tenant_id": admission.tenant_id, "email": demo.EMAIL}, 201


@blueprint.after_request
def protect(answer: Response) -> Response:
    """Keeps the page from running or loading anything that is not ours."""
    return kept_to(POLICY, answer)


def _page() -> Any:
    if is_built():
        return _file(INDEX)
    notice = BUILT / "missing.txt"
    return render_template("page_missing.html", reason=notice.read_text("utf-8") if notice.is_file() else "")


def _file(name: str) -> Response:
    """Raises NotFound for all that is no file of the page."""
    kind = TYPES.get(Path(name).suffix)
    if kind is None:
        raise NotFound
    answer = send_from_directory(str(BUILT), name, mimetype=kind)
    if name.startswith(HASHED):
        answer.headers["Cache-Control"] = f"public, max-age={FOR_EVER}, immutable"
    else:
        answer.headers["Cache-Control"] = "no-cache"  # kept, but asked about each time
    return answer
