"""The OpenAPI document is valid, complete, current and good for generating clients."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apispec import APISpec
from flask import Flask
from openapi_spec_validator import validate

from finwise.api.auth import PUBLIC
from finwise.entities import CATALOGUE

COMMITTED = Path(__file__).parents[2] / "openapi.json"
UNDOCUMENTED = {
    "pages.start",
    "pages.docs",
    "pages.docs_asset",
    "pages.static",
    "document.openapi",
    "account_book.page",
    "account_book.file",
    "account_book.enter_demo",
}

Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    answer: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return answer


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield path, method, operation


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_the_committed_document_is_the_one_the_code_makes(document: dict[str, Any]) -> None:
    committed = json.loads(COMMITTED.read_text(encoding="utf-8"))
    assert committed == document, "update it: flask --app wsgi openapi write openapi.json"


def test_the_document_is_written_once_for_whatever_root(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app.test_client()
    document = client.get("/openapi.json").get_json()
    monkeypatch.setattr(APISpec, "to_dict", lambda _: pytest.fail("written again"))
    again = client.get("/openapi.json", environ_overrides={"SCRIPT_NAME": '/"books'}).get_json()
    assert again == document | {"servers": [{"url": '/"books'}]}


def test_every_route_is_documented(app: Flask, document: dict[str, Any]) -> None:
    documented = {(path, method.upper()) for path, method, _ in operations(document)}
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in UNDOCUMENTED
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert documented == routes


def test_every_operation_has_a_camel_case_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name) for name in names)


def test_the_names_of_operations_are_stable(document: dict[str, Any]) -> None:
    assert {operation["operationId"] for _, _, operation in operations(document)} == {
        "createUser", "listUsers", "getUser", "updateUser", "deleteUser",
        "createTenant", "listTenants", "getTenant", "updateTenant", "deleteTenant",
        "createToken", "listTokens", "updateToken", "deleteTokens", "deleteToken",
        "listMembers", "updateMember", "deleteMember",
        "createInvitation", "listInvitations", "deleteInvitation", "acceptInvitation",
        "listManagedUsers", "addUser", "updateManagedUser", "deleteManagedUser", "inviteUser",
        "listManagedTenants", "updateManagedTenant",
        "pushChanges", "pullChanges", "loadInitial",
        "listConflicts", "restoreConflict", "dismissConflict",
        "listDevices", "exportTenant", "importTenant", "resetTenant",
        "getHealth", "getReadiness",
    }  # fmt: skip


def test_every_operation_says_whether_it_needs_a_token(app: Flask, document: dict[str, Any]) -> None:
    public = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint in PUBLIC
        for method in rule.methods or set()
    }
    for path, method, operation in operations(document):
        needs_token = operation["security"] == [{"bearer": []}]
        assert needs_token != ((path, method.upper()) in public), (path, method)
        assert needs_token == ("401" in operation["responses"]) or path == "/auth/tokens"


def test_every_operation_documents_its_errors_as_problems(document: dict[str, Any]) -> None:
    responses = document["components"]["responses"]
    for path, method, operation in operations(document):
        errors = [name for name in operation["responses"] if name == "default" or int(name) >= 400]
        assert "default" in errors, (path, method)
        for name in errors:
            component = operation["responses"][name]["$ref"].rpartition("/")[2]
            assert list(responses[component]["content"]) == ["application/problem+json"]


def test_successful_answers_come_first(document: dict[str, Any]) -> None:
    """Some generators have a client accept the first media type that they find in an operation."""
    for path, method, operation in operations(document):
        statuses = list(operation["responses"])
        assert statuses == sorted(statuses), (path, method)
        assert statuses[0] in ("200", "201", "204"), (path, method)


def test_a_successful_answer_is_json_of_one_form_or_a_file(document: dict[str, Any]) -> None:
    """A text beside an object would make one type of both in a generated client."""
    for path, method, operation in operations(document):
        answers = [answer for status, answer in operation["responses"].items() if status in ("200", "201")]
        schemas = {media: form["schema"] for answer in answers for media, form in answer.get("content", {}).items()}
        files = {media for media, schema in schemas.items() if schema.get("format") == "binary"}
        assert schemas.keys() - files == ({"application/json"} if answers else set()), (path, method)
    load = document["paths"]["/sync/initial/{tenant_id}"]["get"]["responses"]["200"]["content"]
    assert load["application/json"]["schema"] == {"$ref": "#/components/schemas/Page"}
    assert document["components"]["schemas"]["Page"]["type"] == "object"


def test_a_tenant_s_uuid_is_a_uuid_wherever_it_is_sent(document: dict[str, Any]) -> None:
    push = document["components"]["schemas"]["Push"]["properties"]["tenant_id"]
    assert (push["type"], push["format"]) == (["string", "null"], "uuid")
    for path, _, operation in operations(document):
        shared = document["paths"][path].get("parameters", [])
        for parameter in (*shared, *operation.get("parameters", [])):
            if parameter["name"] in ("tenant_id", "X-Tenant-ID", "id", "uuid", "user_id"):
                assert parameter["schema"]["format"] == "uuid", (path, parameter)


def test_every_parameter_of_a_path_is_documented(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        named = {parameter["name"] for parameter in methods.get("parameters", [])}
        assert named == set(re.findall(r"{(\w+)}", path))


def test_bodies_and_answers_have_examples(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        answers = [answer for status, answer in operation["responses"].items() if status in ("200", "201")]
        for described in bodies + answers:
            assert described["content"]["application/json"]["example"], (path, method)


@pytest.mark.parametrize("union", ["Change", "Entity"])
def test_changes_and_entities_are_one_union_told_apart_by_entity_type(document: dict[str, Any], union: str) -> None:
    schemas = document["components"]["schemas"]
    mapping = schemas[union]["discriminator"]["mapping"]
    assert schemas[union]["discriminator"]["propertyName"] == "entity_type"
    assert set(mapping) == set(CATALOGUE)
    assert {option["$ref"] for option in schemas[union]["oneOf"]} == set(mapping.values())
    for entity_type, reference in mapping.items():
        variant = schemas[reference.rpartition("/")[2]]
        assert variant["properties"]["entity_type"]["enum"] == [entity_type]
        assert variant["properties"]["data"]["anyOf"][0]["$ref"].endswith(f"/{CATALOGUE[entity_type].__name__}")


def test_no_answer_has_a_password_in_it(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    fields = {name: " ".join(schema.get("properties", {})) for name, schema in schemas.items()}
    assert {name for name, names in fields.items() if "password" in names} == {
        "AddedUser",
        "Login",
        "ManagedUserPatch",
        "NewUser",
        "UserPatch",
    }
