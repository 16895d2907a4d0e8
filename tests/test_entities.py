"""The catalogue: its kinds of fields, and the fields of its entity types."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from marshmallow import Schema, fields, missing

from finwise import entities, kinds
from finwise.domain.change import Findings
from finwise.domain.json_text import MAX_NUMBER, Odd, oddity
from finwise.entities import CATALOGUE, Entity, RuleAction, RuleCondition
from finwise.kinds import quick_check

LEDGER: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "data" / "ledger.json").read_text(encoding="utf-8")
)
CONDITION = {"type": "recipient", "operator": "is", "value": "Bakery"}

# What a kind is for, what it keeps with a warning, and what it refuses; null is another question.
FITTING: dict[str, tuple[kinds._Strict, list[Any]]] = {
    "Name": (kinds.Name(), ["", " ", "Giro", "\u00e9\U0001f600", "x" * 200, "\U0001f600" * 200]),
    "Text": (kinds.Text(), ["", "two\nlines", "x" * 10_000]),
    "String": (kinds.String(), ["", "giro", "x" * 100_000]),
    "Id": (kinds.Id(), ["", "a", "x" * 64, "e22bf481-b414-5498-b973-6ec34b6e18ad", "A-Z_a.z:0"]),
    "Date": (kinds.Date(), ["", "2026-01-09", "2024-02-29", "0001-01-01", "9999-12-31"]),
    "Number": (kinds.Number(), [0, -1, 1.5, -0.0, 0.1, 1e-300, MAX_NUMBER, -MAX_NUMBER, float(MAX_NUMBER)]),
    "InputNumber": (kinds.InputNumber(), ["", 0, -1, 1.5, MAX_NUMBER, -MAX_NUMBER, float(MAX_NUMBER)]),
    "Integer": (kinds.Integer(), ["", 0, -1, 3.0, -0.0, MAX_NUMBER, -MAX_NUMBER, float(MAX_NUMBER)]),
    "Image": (kinds.Image(), ["", "data:image/png;base64," + "A" * 65_514]),
    "Boolean": (kinds.Boolean(), [True, False]),
    "Ids": (kinds.Ids(), [[], ["a"], ["a", "a"], ["x"] * 1_000]),
    "Anything": (kinds.Anything(), [0, "", False, [], {}, {"deep": [None]}]),
    "Parts": (
        kinds.Parts(RuleCondition),
        [[], [CONDITION], [CONDITION | {"value": None}], [CONDITION | {"more": [1]}], [CONDITION] * 100],
    ),
}
ODD: dict[str, tuple[kinds._Strict, list[Any]]] = {
    "Name": (kinds.Name(), ["x" * 201]),
    "Text": (kinds.Text(), ["x" * 10_001]),
    "String": (kinds.String(), []),
    "Image": (kinds.Image(), ["data:image/png;base64," + "A" * 65_515]),
    "Id": (kinds.Id(), ["x" * 65, "a b", "a/b", "\u00e9", "a\n"]),
    "Date": (
        kinds.Date(),
        ["2026-02-29", "25-02-01", "2026-1-9", "20260109", "2026-W02-5", "0000-01-01", "2026-01-09T00:00:00Z",
         "2026-01-09\n", "09.01.2026", "\u0662026-01-09"],
    ),
    "Number": (kinds.Number(), []),
    "InputNumber": (kinds.InputNumber(), ["1", "x"]),
    "Integer": (kinds.Integer(), [1.5, 0.1, "1", "3.0"]),
    "Boolean": (kinds.Boolean(), []),
    "Ids": (kinds.Ids(), [[""], ["a,b"], ["a", "b c"]]),
    "Anything": (kinds.Anything(), []),
    "Parts": (kinds.Parts(RuleCondition), [[{}], [CONDITION, {}], [CONDITION | {"operator": None}]]),
}  # fmt: skip
REFUSED: dict[str, tuple[kinds._Strict, list[Any]]] = {
    "Name": (kinds.Name(), [7, True, [], {}, ["x"]]),
    "Text": (kinds.Text(), [7, False, [], {}]),
    "String": (kinds.String(), [7, 1.5, True, [], {}]),
    "Id": (kinds.Id(), [7, True, ["a"], {}]),
    "Date": (kinds.Date(), [20260109, True, []]),
    "Number": (kinds.Number(), ["1", "", True, False, [], {}]),
    "InputNumber": (kinds.InputNumber(), [True, [], {}]),
    "Integer": (kinds.Integer(), [True, False, [], {}]),
    "Image": (kinds.Image(), [7, True, [], {}]),
    "Boolean": (kinds.Boolean(), [0, 1, 0.0, 1.0, "true", "", "on", [], {}]),
    "Ids": (kinds.Ids(), ["a", ["a", 7], [None], [["a"]], {}, {"a": 1}, 7, True]),
    "Anything": (kinds.Anything(), []),
    "Parts": (
        kinds.Parts(RuleCondition),
        [{}, "x", 7, True, [None], [[]], ["x"], [CONDITION | {"type": 7}]],
    ),
}  # fmt: skip


def _pairs(table: dict[str, tuple[kinds._Strict, list[Any]]]) -> list[Any]:
    return [
        pytest.param(kind, value, id=f"{name} {value!r:.30}")
        for name, (kind, values) in table.items()
        for value in values
    ]


@pytest.mark.parametrize(("kind", "value"), _pairs(FITTING))
def test_a_kind_says_nothing_about_the_values_it_is_for(kind: kinds._Strict, value: Any) -> None:
    assert kind.holds(value)
    assert kind.suits(value)


@pytest.mark.parametrize(("kind", "value"), _pairs(ODD))
def test_a_kind_keeps_a_value_that_is_merely_odd(kind: kinds._Strict, value: Any) -> None:
    assert kind.holds(value)
    assert not kind.suits(value)
    assert kind.message.startswith("Give ")


@pytest.mark.parametrize(("kind", "value"), _pairs(REFUSED))
def test_a_kind_refuses_what_is_of_a_type_that_the_document_does_not_promise(kind: kinds._Strict, value: Any) -> None:
    assert not kind.holds(value)


def test_an_expected_day_is_not_empty() -> None:
    assert not kinds.Date(expected=True).suits("")


def test_these_are_all_the_kinds_there_are() -> None:
    made = {name for name, kind in vars(kinds).items() if isinstance(kind, type) and issubclass(kind, kinds._Strict)}
    assert set(FITTING) == set(ODD) == set(REFUSED) == made - {"_Strict"}


# entity_type -> kind -> names; `*` expected, `=` derived. Written out a second time on purpose: a name that changes
# here breaks every device that has the old one in its queue.
TABLE: dict[str, dict[str, str]] = {
    "account_groups": {
        "Name": "name*",
        "Integer": "sortOrder",
        "Image": "image",
        "String": "logo_path",
    },
    "accounts": {
        "Name": "name*",
        "Text": "description note",
        "Image": "image",
        "String": "accountType iban logo_path",
        "Boolean": "isActive isOfflineBudget",
        "Id": "accountGroupId",
        "Integer": "sortOrder",
        "Number": "balance= creditLimit offset",
    },
    "category_groups": {
        "Name": "name*",
        "Integer": "sortOrder",
        "Boolean": "isIncomeGroup",
    },
    "categories": {
        "Name": "name*",
        "String": "icon",
        "Number": "budgeted activity= available= targetAmount monthlyAmount",
        "InputNumber": "proportion",
        "Boolean": "isIncomeCategory isHidden isActive isSavingsGoal",
        "Integer": "sortOrder priority",
        "Id": "categoryGroupId parentCategoryId",
        "Date": "goalDate",
        "Text": "note",
    },
    "recipients": {
        "Name": "name*",
        "Id": "defaultCategoryId",
        "Text": "note",
    },
    "tags": {
        "Name": "name*",
        "Id": "parentTagId",
        "String": "color icon",
    },
    "transactions": {
        "Id": "accountId categoryId recipientId counterTransactionId planningTransactionId transferToAccountId "
        "toCategoryId",
        "Date": "date* valueDate",
        "Number": "amount* runningBalance=",
        "Text": "description note",
        "Ids": "tagIds",
        "String": "type payee",
        "Boolean": "isReconciliation isCategoryTransfer reconciled",
    },
    "planning_transactions": {
        "Name": "name*",
        "Id": "accountId categoryId recipientId counterPlanningTransactionId transferToAccountId transferToCategoryId",
        "Ids": "tagIds",
        "Number": "amount* approximateAmount minAmount maxAmount",
        "String": "amountType recurrencePattern recurrenceEndType weekendHandling transactionType",
        "Text": "note",
        "Date": "startDate* valueDate endDate",
        "Integer": "recurrenceCount executionDay",
        "Boolean": "isActive forecastOnly autoExecute",
    },
    "automation_rules": {
        "Name": "name*",
        "Text": "description",
        "String": "stage conditionLogic",
        "Parts": "conditions actions",
        "Integer": "priority",
        "Boolean": "isActive",
    },
    "book_settings": {
        "Anything": "value",
    },
    "user_settings": {
        "Anything": "value",
    },
}


def _rows(form: type[Schema]) -> set[tuple[str, str]]:
    """A class as a set of (kind, name with its mark)."""
    fields = kinds.kinds_of(form)
    return {(type(kind).__name__, name + "*" * kind.expected + "=" * kind.derived) for name, kind in fields.items()}


def test_no_type_has_left_the_catalogue() -> None:
    assert set(TABLE) <= set(CATALOGUE)


@pytest.mark.parametrize("entity_type", TABLE)
def test_a_type_has_exactly_these_fields(entity_type: str) -> None:
    expected = {(kind, name) for kind, names in TABLE[entity_type].items() for name in names.split()}
    assert _rows(CATALOGUE[entity_type]) == expected


def test_a_rule_s_conditions_and_actions_have_these_parts() -> None:
    assert _rows(RuleCondition) == {("String", "type*"), ("String", "operator*"), ("Anything", "value")}
    assert _rows(RuleAction) == {("String", "type*"), ("String", "field"), ("Anything", "value")}


@pytest.mark.parametrize("form", [*CATALOGUE.values(), RuleCondition, RuleAction])
def test_no_field_is_required_has_a_default_or_another_name(form: type[Schema]) -> None:
    """What a server refuses stays on one device; what it fills in makes devices differ."""
    for kind in kinds.kinds_of(form).values():
        assert (kind.required, kind.allow_none) == (False, True)
        assert (kind.load_default, kind.dump_default, kind.data_key) == (missing, missing, None)


# An entity of each type with all its fields.
EXAMPLES: dict[str, Any] = {
    "Name": "Giro", "Text": "two\nlines", "String": "giro", "Id": "e1", "Date": "2026-01-09", "Number": 12.5,
    "InputNumber": 12.5, "Integer": 3, "Boolean": True, "Ids": ["t1"], "Anything": {"any": 1},
    "Image": "data:image/webp;base64,AAAA",
}  # fmt: skip
PARTS = {"conditions": [CONDITION], "actions": [{"type": "set", "value": None}]}
VALID: dict[str, dict[str, Any]] = {
    entity_type: {
        name.rstrip("*="): PARTS[name] if kind == "Parts" else EXAMPLES[kind]
        for kind, names in rows.items()
        for name in names.split()
    }
    for entity_type, rows in TABLE.items()
}
EXPECTED = {
    entity_type: [name[:-1] for names in rows.values() for name in names.split() if name.endswith("*")]
    for entity_type, rows in TABLE.items()
}


@pytest.mark.parametrize("entity_type", TABLE)
def test_nothing_is_said_about_an_entity_that_has_its_expected_fields_whatever_else_is_null(entity_type: str) -> None:
    check, data = entities.checks()[entity_type], VALID[entity_type]
    expected = {name: data[name] for name in EXPECTED[entity_type]}
    for ordinary in (data, expected, dict.fromkeys(data) | expected):
        assert check(ordinary) is None


@pytest.mark.parametrize(("entity_type", "name"), [(each, name) for each, names in EXPECTED.items() for name in names])
def test_an_entity_without_one_of_its_expected_fields_is_kept_with_a_warning(entity_type: str, name: str) -> None:
    without = {field: value for field, value in VALID[entity_type].items() if field != name}
    for data in (without, without | {name: None}):
        found = entities.checks()[entity_type](data)
        assert found
        assert (list(found.odd), found.wrong) == ([f"data.{name}"], {})


@pytest.mark.parametrize("entity_type", LEDGER)
def test_every_entity_of_a_real_book_is_taken(entity_type: str) -> None:
    check = entities.checks()[entity_type]
    own = ("id", "created_at", "updated_at")
    for entity in LEDGER[entity_type]:
        assert check({name: value for name, value in entity.items() if name not in own}) is None


texts = st.text(max_size=8) | st.sampled_from(["2026-01-09", "e1", "x" * 201, "", "id.with.dots"])
scalars = st.none() | st.booleans() | texts | st.integers(-MAX_NUMBER, MAX_NUMBER) | st.floats(-MAX_NUMBER, MAX_NUMBER)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)


def _good(field: fields.Field[Any]) -> Any:
    """A value that a field takes."""
    if isinstance(field, kinds.Parts):
        form = field.inner.schema  # type: ignore[attr-defined] # of Nested
        return [{name: _good(part) for name, part in form.fields.items()}]
    return EXAMPLES[type(field).__name__]


def _data(form: type[Schema]) -> st.SearchStrategy[dict[str, Any]]:
    """Arbitrary JSON objects, most of them close to an entity of this form."""
    declared = form._declared_fields
    whole = {name: _good(field) for name, field in declared.items()}
    kept = st.sets(st.sampled_from(sorted(declared)), max_size=2).map(
        lambda gone: {name: value for name, value in whole.items() if name not in gone}
    )
    changed = st.dictionaries(st.sampled_from(sorted(declared)), json_values, max_size=2)
    unknown = st.dictionaries(texts, json_values, max_size=2)
    close = st.tuples(kept, changed, unknown).map(lambda three: three[2] | three[0] | three[1])
    return close | st.dictionaries(st.sampled_from(sorted(declared)) | texts, json_values)


FORMS: list[Any] = [*CATALOGUE.values(), RuleCondition, RuleAction]


@pytest.mark.parametrize("form", FORMS)
def test_the_quick_check_finds_what_the_explanation_finds(form: type[Entity]) -> None:
    fine, explained = quick_check(form), entities.Check(form).explain

    @settings(derandomize=True, deadline=None, database=None, max_examples=150)
    @given(_data(form))
    def agree(data: dict[str, Any]) -> None:
        event("fine" if fine(data) else "not fine")
        assert fine(data) == (explained(data) == Findings({}, {}))

    agree()


odd_values = st.sampled_from(
    [Odd("is odd"), MAX_NUMBER + 1, -1e300, [MAX_NUMBER + 1], [Odd("is odd")], {"a": 1e17}, [[1]], {"a": {}}]
)


@pytest.mark.parametrize("form", CATALOGUE.values())
def test_about_what_the_flat_check_takes_nothing_is_said_and_json_keeps_all_but_a_text_in_it(
    form: type[Entity],
) -> None:
    is_flat, explained = quick_check(form, flat=True), entities.Check(form).explain
    odd = st.dictionaries(st.sampled_from(sorted(form._declared_fields)) | texts, odd_values, max_size=1)

    @settings(derandomize=True, deadline=None, database=None, max_examples=150)
    @given(_data(form), odd)
    def agree(data: dict[str, Any], odd: dict[str, Any]) -> None:
        event("flat" if is_flat(data | odd) else "not flat")
        if is_flat(data | odd):
            assert explained(data | odd) == Findings({}, {})
            assert oddity(data | odd, max_depth=2) is None

    agree()


def test_the_names_that_devices_make_up_are_not_remembered() -> None:
    fine = quick_check(CATALOGUE["tags"])
    tracemalloc.start()
    try:
        for number in range(2_000):
            assert fine(VALID["tags"] | {f"{number}" + "x" * 10_000: 1})
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("entity_type", TABLE)
def test_an_ordinary_entity_is_flat_unless_its_form_has_objects_in_it(entity_type: str) -> None:
    check = entities.checks()[entity_type]
    has_objects = not TABLE[entity_type].keys().isdisjoint({"Parts", "Anything"})
    assert check.is_flat(VALID[entity_type]) != has_objects
    assert check.is_flat(VALID[entity_type] | {"newer": 7, "more": "x"}) != has_objects
    assert not check.is_flat(VALID[entity_type] | {"newer": [7]})


@pytest.mark.parametrize("form", CATALOGUE.values())
def test_whatever_is_found_is_told_by_field_in_words_that_no_value_is_part_of(form: type[Entity]) -> None:
    check = entities.Check(form)
    known = {f"data.{name}": [kind.message] for name, kind in kinds.kinds_of(form).items()}

    @settings(derandomize=True, deadline=None, database=None, max_examples=50)
    @given(_data(form))
    def told(data: dict[str, Any]) -> None:
        found = check(data)
        assert found is None or found.wrong or found.odd
        for errors in found or ():
            assert errors.items() <= known.items()
            assert len(errors) <= entities.MAX_ERRORS

    told()


def test_a_field_of_a_foreign_kind_is_refused_when_the_server_starts() -> None:
    class Goal(Entity):
        name = fields.String(required=True)

    with pytest.raises(TypeError, match="Goal"):
        quick_check(Goal)


@pytest.mark.parametrize(
    "name",
    ["", "Goals", "1goals", "_goals", "goals!", 'go"als', "go als", "g" * 65, "sync_goals", "sqlite_goals", "tags"],
)
def test_a_name_that_cannot_be_one_or_is_taken_is_refused(name: str) -> None:
    before = dict(CATALOGUE)
    with pytest.raises(ValueError, match=r"entity type|already"):
        entities.entity(name)(Entity)
    assert before == CATALOGUE
