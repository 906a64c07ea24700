import json
import pathlib

import pytest
from jsonschema import Draft202012Validator

from reconciler.documents.registry import KINDS, model
from reconciler.documents.schemas import file_name, generate, published, write

FOLDER = pathlib.Path(__file__).parents[3] / "schemas"


def test_the_published_schemas_are_those_of_the_models():
    assert {path.name: path.read_bytes() for path in FOLDER.glob("*.json")} == generate(), "run `make schemas`"


def test_writing_removes_what_is_published_no_more(tmp_path):
    (tmp_path / "gone.schema.json").write_text("{}")
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {file_name(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_valid_refuses_unknown_keys_and_offers_no_null(kind):
    schema = published(kind)
    Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert '"null"' not in json.dumps(schema)
    assert not Draft202012Validator(schema).is_valid({})


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_every_kind_is_described(kind):
    schema = published(kind)
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, field in part.get("properties", {}).items():
            described = field.get("description") or "$ref" in field
            assert described, f"{kind}: {part.get('title')}.{name}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_model_says_what_it_is_for(kind):
    assert model(kind).__doc__


def test_file_names_are_lower_case_with_dashes():
    assert file_name("MergePolicy") == "merge-policy.schema.json"
