"""The OpenAPI document against the rules of OpenAPI 3.1 and of JSON Schema 2020-12."""
import json
import re

import jsonschema
import pytest

import spec

METHODS = {"get", "put", "post", "patch", "delete"}


@pytest.fixture(scope="module")
def document(echo):
    return json.loads(echo.ask("openapi")["document"], object_pairs_hook=without_doubles)


def without_doubles(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a name stands twice among {names[:5]}..."
    return dict(pairs)


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def walk(value):
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from walk(inner)


def test_the_root_has_what_openapi_asks_for(document):
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert set(document) <= {"openapi", "info", "security", "paths", "components", "servers", "tags"}
    assert document["info"]["title"] and document["info"]["version"]


def test_path_items_hold_known_methods_only(document):
    for path, item in document["paths"].items():
        assert path.startswith("/v1/")
        assert set(item) <= METHODS


def test_no_two_paths_are_the_same_template(document):
    shapes = [re.sub(r"\{[^}]+\}", "{}", path) for path in document["paths"]]
    assert len(shapes) == len(set(shapes))


def test_every_reference_leads_somewhere(document):
    for value in walk(document):
        if isinstance(value, dict) and isinstance(value.get("$ref"), str):
            target = document
            for step in value["$ref"].removeprefix("#/").split("/"):
                target = target[step]


def test_every_schema_is_reached(document):
    used = {v["$ref"].rpartition("/")[2] for v in walk(document) if isinstance(v, dict) and isinstance(v.get("$ref"), str)}
    assert set(document["components"]["schemas"]) == used


def test_operation_ids_are_unique(document):
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))


def test_every_operation_stands_in_the_document(document):
    first = {operation["operationId"] for _, _, operation in operations(document)}
    assert set(spec.operations()) | {"GetCallerIdentity"} <= first


def test_path_parameters_are_declared_and_required(document):
    for path, method, operation in operations(document):
        declared = [p for p in operation["parameters"] if p["in"] == "path"]
        assert sorted(p["name"] for p in declared) == sorted(re.findall(r"\{([^}]+)\}", path)), (path, method)
        assert all(p["required"] is True for p in declared)


def test_parameters_are_well_formed(document):
    for _, _, operation in operations(document):
        keys = [(p["name"], p["in"]) for p in operation["parameters"]]
        assert len(keys) == len(set(keys))
        for parameter in operation["parameters"]:
            assert parameter["in"] in ("path", "query")
            assert ("schema" in parameter) != ("content" in parameter)
            assert len(parameter.get("content", [None])) == 1


def test_only_writing_requests_have_bodies(document):
    for path, method, operation in operations(document):
        assert ("requestBody" in operation) == (method not in ("get", "delete")), (path, method)


def test_responses_have_a_status_and_a_description(document):
    for _, _, operation in operations(document):
        assert "200" in operation["responses"] and "400" in operation["responses"]
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d", status)
            assert response["description"]


def test_every_fault_of_an_operation_is_named_under_its_status(document):
    model = spec.load()
    by_id = {operation["operationId"]: operation for _, _, operation in operations(document)}
    for name, op in model["operations"].items():
        for error in op.get("errors", []):
            fault = model["shapes"][error]["error"]
            assert fault["code"] in by_id[name]["responses"][str(fault["status"])]["description"].split(", ")


def test_security_names_a_scheme(document):
    for requirement in document["security"]:
        assert set(requirement) <= set(document["components"]["securitySchemes"])


def test_component_names_are_legal(document):
    for name in document["components"]["schemas"]:
        assert re.fullmatch(r"[a-zA-Z0-9._-]+", name)


def schemas(document):
    for value in walk(document["paths"]):
        if isinstance(value, dict) and "schema" in value:
            yield value["schema"]
    yield from document["components"]["schemas"].values()


def test_every_schema_is_valid_json_schema(document):
    for schema in schemas(document):
        jsonschema.Draft202012Validator.check_schema(schema)


def resolver(document, schema):
    return jsonschema.Draft202012Validator({**schema, "components": document["components"]})


def test_chance_answers_satisfy_the_schemas(document):
    model = spec.botocore_model()
    by_id = {operation["operationId"]: operation for _, _, operation in operations(document)}
    for name in spec.operations():
        shape = model.operation_model(name).output_shape
        schema = by_id[name]["responses"]["200"]["content"]["application/json"]["schema"]
        for seed in range(5):
            value = spec.plain(spec.Chance(f"{name}{seed}").value(shape)) if shape else {}
            resolver(document, schema).validate(value)


def test_chance_bodies_satisfy_the_schemas_and_strangers_do_not(document):
    model = spec.botocore_model()
    for path, method, operation in operations(document):
        name = operation["operationId"].partition("By")[0]
        if "requestBody" not in operation:
            continue
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        value = spec.plain(spec.Chance(name).value(model.operation_model(name).input_shape))
        body = {k: v for k, v in value.items() if "{" + k + "}" not in path}
        resolver(document, schema).validate(body)
        with pytest.raises(jsonschema.ValidationError):
            resolver(document, schema).validate({**body, "Stranger": 1})
