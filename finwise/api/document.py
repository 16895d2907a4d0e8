"""The OpenAPI document: made from the same declarations that the views run on."""

import re
from collections.abc import Callable
from threading import RLock
from typing import Any, TypeVar

import flask_smorest
from flask import Flask, Response, request
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from finwise.api import context, direct, errors
from finwise.api.request import JSON, PROBLEM
from finwise.domain import json_text
from finwise.schemas.problem import ProblemSchema
from finwise.schemas.sync import Union
from finwise.version import __version__

PROBLEM_EXAMPLE = {
    "type": "about:blank",
    "title": errors.TITLES[404],
    "status": 404,
    "detail": "There is no such tenant.",
    "code": "not_found",
}
UUID = {"type": "string", "format": "uuid"}

View = TypeVar("View", bound=Callable[..., Any])

ABOUT = """Keeps all devices of a household's account book in sync: devices push queued changes and pull what is
new. The last write wins, and a version that loses unseen is kept as a conflict.

Sign up (`POST /users`), log in (`POST /auth/tokens`), create a tenant (`POST /tenants`), then push and pull below
`/sync`.
Errors are `application/problem+json` (RFC 9457) with a stable `code`."""


class StrictParser(FlaskParser):
    """Reads JSON bodies by FinWise's own rules (json_text.py) instead of webargs'."""

    def load_json(self, req: Any, schema: Any) -> Any:
        """The parsed body. Raises Invalid, or the HTTP errors 413 and 415."""
        return json_text.read(context.request().json_body())


class Blueprint(flask_smorest.Blueprint):
    """Routes with their documentation; bodies are read strictly."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._prepare_doc_cbks.append(_sort_responses)

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """A route; each part of its path is a UUID, a conflict's name apart."""
        names = re.findall(r"<(\w+)>", rule)
        schemas = {"conflict_id": {"type": "string"}}
        parameters = [
            {"name": name, "in": "path", "required": True, "schema": schemas.get(name, UUID)} for name in names
        ]
        add: Callable[[View], View] = super().route(rule, parameters=parameters, **options)
        return add

    def arguments(self, *arguments: Any, **options: Any) -> Callable[[View], View]:
        """A body or parameters that a view takes; what is answered to wrong ones is documented by `problems`."""
        take = super().arguments(*arguments, **options)

        def document(view: View) -> View:
            taking: View = take(view)
            del _about(taking)["arguments"]["responses"]
            return taking

        return document

    def problems(self, *statuses: int) -> Callable[[View], View]:
        """Documents which errors (and 304) an operation answers with, beside those that every operation has."""

        def document(view: View) -> View:
            # As alt_response() would, but without a further function around the view for each status.
            documented = _about(view).setdefault("response", {}).setdefault("responses", {})
            for status in statuses:
                documented.setdefault(status, []).append(_component(status))
            return view

        return document

    def direct(self, view: direct.View) -> Callable[..., Response]:
        """A view that takes the request (request.py), and is answered without Flask if possible (direct.py)."""
        return direct.mark(view)

    def query(self, schema: Any) -> Callable[[View], View]:
        """Documents parameters that an operation reads by itself."""
        return self.headers({"in": "query", "required": True, "schema": schema})

    def headers(self, *parameters: dict[str, Any]) -> Callable[[View], View]:
        """Documents headers that an operation looks at by itself."""

        def document(view: View) -> View:
            # doc(parameters=…) would replace those that arguments() documents, so they are added to these.
            _about(view).setdefault("arguments", {}).setdefault("parameters", []).extend(parameters)
            return view

        return document

    def operation(self, name: str, *, public: bool = False, **more: Any) -> Callable[[View], View]:
        """Names an operation for generated clients, and says whether it needs a token."""
        security: list[dict[str, list[str]]] = [] if public else [{"bearer": []}]
        document: Callable[[View], View] = self.doc(operationId=name, security=security, **more)
        return document


class Api(flask_smorest.Api):
    """flask-smorest's Api with one form of errors: `application/problem+json`.

    The document is written when somebody asks for it: that takes longer than everything else a process does to start.
    """

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Flask) -> None:
        self._guard = RLock()
        self._undocumented: list[Blueprint] = []
        self._has_components = False
        self._members = ""
        super().__init__(app)

    def register_blueprint(self, blp: Blueprint, **options: Any) -> None:
        """The blueprint's routes; what the document says about them waits."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp, **options)
        self._undocumented.append(blp)
        self._members = ""

    def text(self, root: str) -> str:
        """The document as JSON, for an application that is mounted at `root`.

        All but `root` is written once: that takes as long as ten polls, and anybody may ask for it.
        """
        with self._guard:
            if not self._members:
                members = {name: value for name, value in self.spec.to_dict().items() if name != "servers"}
                self._members = json_text.write(members)[1:-1]
            return f'{{"servers":{json_text.write([{"url": root}])},{self._members}}}'

    @property
    def spec(self) -> Any:
        """The document, with all that was registered."""
        with self._guard:
            if not self._has_components:
                self._has_components = True
                self._register_components()
            waiting, self._undocumented = self._undocumented, []
            for blp in waiting:
                blp.register_views_in_doc(self, self._app, self._spec, name=blp.name, parameters=None)
                self._spec.tag({"name": blp.name, "description": blp.description})
            return self._spec

    @spec.setter
    def spec(self, made: Any) -> None:
        self._spec = made

    def handle_http_exception(self, error: HTTPException) -> Response:
        """As everywhere else."""
        return errors.http_error(error)

    def _register_pagination_header(self) -> None:
        """None: pages have cursors."""

    def _register_responses(self) -> None:
        """They wait as well."""

    def _register_components(self) -> None:
        bearer = {"type": "http", "scheme": "bearer", "description": "a token of `POST /auth/tokens`"}
        self._spec.components.security_scheme("bearer", bearer)
        for status, title in errors.TITLES.items():
            response: dict[str, Any] = {"description": title}
            if status >= 400:
                response["content"] = {PROBLEM: {"schema": ProblemSchema}}
            if status in _HEADERS:
                response["headers"] = _HEADERS[status]
            self._spec.components.response(_component(status), response, lazy=True)
        content = {PROBLEM: {"schema": ProblemSchema, "example": PROBLEM_EXAMPLE}}
        default = {"description": "Any other error", "content": content}
        self._spec.components.response("DEFAULT_ERROR", default, lazy=True)


_TEXT = {"schema": {"type": "string"}}
_HEADERS = {
    304: {"ETag": {"description": "the cursor", **_TEXT}},
    401: {"WWW-Authenticate": {"description": "Bearer", **_TEXT}},
    405: {"Allow": {"description": "the methods this route takes", **_TEXT}},
    429: {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}}},
    503: {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}}},
}


def create(app: Flask, url_prefix: str) -> Api:
    """The Api to register blueprints with, and the route `/openapi.json`."""
    app.config.update(
        API_TITLE="FinWise",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {"description": ABOUT, "license": {"name": "MIT", "identifier": "MIT"}},
            "servers": [{"url": "/"}],
            "security": [{"bearer": []}],
        },
    )
    api = Api(app)
    api.ma_plugin.converter.add_attribute_function(_union_properties)

    def openapi() -> Response:
        return Response(api.text(request.script_root or "/"), mimetype=JSON)

    app.add_url_rule(f"{url_prefix}/openapi.json", "document.openapi", openapi)
    return api


def _sort_responses(operation: dict[str, Any], _about: dict[str, Any], **_: Any) -> dict[str, Any]:
    """The operation with its successful answers first: some generators accept the first media type they meet."""
    responses = operation["responses"]  # by number, "default" apart
    return operation | {"responses": {status: responses[status] for status in sorted(responses, key=str)}}


def _component(status: int) -> str:
    """The name of a status among the document's components."""
    return errors.TITLES[status].replace(" ", "")


def _about(view: Callable[..., Any]) -> dict[str, Any]:
    """Where flask-smorest's decorators collect what the document says about a view."""
    about: dict[str, Any] = view.__dict__.setdefault("_apidoc", {})
    return about


def _union_properties(converter: Any, field: Any, **_: Any) -> dict[str, Any]:
    """A `Union` as a named component with a discriminator, so that generated clients get one type by that name."""
    if not isinstance(field, Union):
        return {}
    schemas = converter.spec.components.schemas
    if field.name_in_document not in schemas:
        references = {name: converter.resolve_nested_schema(form) for name, form in field.variants.items()}
        schemas[field.name_in_document] = {
            "oneOf": list(references.values()),
            "discriminator": {
                "propertyName": "entity_type",
                "mapping": {name: reference["$ref"] for name, reference in references.items()},
            },
        }
    reference = {"$ref": f"#/components/schemas/{field.name_in_document}"}
    return {"anyOf": [reference, {"type": "null"}]} if field.allow_none else reference
