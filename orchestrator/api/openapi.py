"""The machine-readable contract: every declared endpoint with the schemas of what it takes and answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from starlette.responses import Response

from farm import __version__
from farm.protocol.states import Scope

from .query import parameters
from .routing import Endpoint, Endpoints, ListOf
from .schemas import Schema, Schemas

PREFIX = "/api/v1"
_DIGEST: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def describe(groups: Sequence[Endpoints], hand_written: dict[str, Any]) -> Schema:
    """The OpenAPI document.

    Args:
        groups: Endpoints by tag.
        hand_written: Paths of routes that carry bytes and not values.
    """
    schemas = Schemas()
    paths: dict[str, Any] = {}
    for group in groups:
        for endpoint in group.declared:
            operations = paths.setdefault(PREFIX + endpoint.path, {})
            operations[endpoint.method.lower()] = _operation(endpoint, group.tag, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "farm", "version": __version__, "description": "A build farm for TensorRT engines."},
        "security": [{"token": []}],
        "paths": {**paths, **hand_written},
        "components": {
            "schemas": schemas.named,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint, tag: str, schemas: Schemas) -> Schema:
    failed = _content("An error.", {"$ref": "#/components/schemas/Error"})
    operation: Schema = {
        "tags": [tag],
        "summary": endpoint.summary,
        "operationId": endpoint.handler.__name__,
        "parameters": [*_path_parameters(endpoint.path), *parameters(endpoint.query, schemas)],
        "responses": {
            **_answers(endpoint, schemas),
            "default": failed,
        },
        "x-scopes": scopes_of(endpoint.scopes),
    }
    if endpoint.body is bytes:
        operation["requestBody"] = {"content": {"application/octet-stream": {}}}
    elif endpoint.body is not None:
        content = {"application/json": {"schema": schemas.reference(endpoint.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def scopes_of(scopes: Iterable[Scope]) -> list[str]:
    """The scopes that may call something, `admin` among them."""
    return sorted({str(Scope.ADMIN), *(str(scope) for scope in scopes)})


def _answers(endpoint: Endpoint, schemas: Schemas) -> Schema:
    if endpoint.answer is Response:
        return {"200": {"description": "See docs/protocol.md."}}
    if endpoint.answer is None:
        return {"204": {"description": "Done."}}
    if isinstance(endpoint.answer, ListOf):
        items = {"type": "array", "items": schemas.reference(endpoint.answer.kind)}
        properties = {endpoint.answer.field: items}
        schema: Schema = {"type": "object", "required": [endpoint.answer.field], "properties": properties}
    else:
        schema = schemas.reference(endpoint.answer)
    return {str(endpoint.status): _content("Done.", schema)}


def _content(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _path_parameters(path: str) -> list[Schema]:
    names = re.findall(r"{(\w+)}", path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def blob_paths() -> dict[str, Any]:
    """The routes of blobs and uploads, which speak bytes and headers."""
    sha256 = [{"name": "sha256", "in": "path", "required": True, "schema": _DIGEST}]
    upload = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
    stored: Schema = {
        "type": "object",
        "properties": {"sha256": _DIGEST, "size_bytes": {"type": "integer"}},
        "required": ["sha256", "size_bytes"],
    }
    begin: Schema = {**stored, "additionalProperties": False}
    octets: Schema = {"content": {"application/octet-stream": {}}}
    where = {"description": "How far it has come.", "headers": {"Upload-Offset": {"schema": {"type": "integer"}}}}
    bytes_ = {"description": "The bytes; ranges are honoured.", **octets}
    paths: dict[str, Any] = {
        "/blobs/{sha256}": {
            "parameters": sha256,
            "get": {"responses": {"200": bytes_, "206": bytes_}},
            "head": {"responses": {"200": {"description": "It is there."}}},
            "put": {"requestBody": octets, "responses": {"201": _content("Stored.", stored)}},
        },
        "/blobs/{sha256}/check": {
            "parameters": sha256,
            "post": {"responses": {"200": _content("It is whole.", stored), "410": {"description": "It was damaged."}}},
        },
        "/uploads": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": begin}}},
                "responses": {"200": {"description": "It is there already."}, "201": {"description": "Begun."}},
            }
        },
        "/uploads/{id}": {
            "parameters": upload,
            "head": {"responses": {"200": where}},
            "patch": {"requestBody": octets, "responses": {"204": where}},
        },
        "/uploads/{id}/finish": {
            "parameters": upload,
            "post": {"responses": {"201": _content("Stored.", stored)}},
        },
    }
    scopes = scopes_of((Scope.SUBMIT, Scope.WORKER))
    for operations in paths.values():
        for operation in (item for name, item in operations.items() if name != "parameters"):
            operation["tags"], operation["x-scopes"] = ["blobs"], scopes
    return {PREFIX + path: operations for path, operations in paths.items()}
