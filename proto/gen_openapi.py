#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gen_openapi.py - the service of api.proto as an OpenAPI document.

Methods, messages and fields come from the descriptor, their descriptions from
the comments in the schema. Types are as the proto3 JSON mapping writes them.
The document is JSON laid out as YAML, which it is.
"""

import argparse
import json
import re

from google.protobuf import descriptor_pb2

FILE = "api.proto"
Field = descriptor_pb2.FieldDescriptorProto

# What the JSON mapping makes of a scalar; 64 bits do not fit its numbers.
SCALARS = {
    Field.TYPE_UINT32: {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
    Field.TYPE_UINT64: {"type": "string", "pattern": "^[0-9]+$"},
    Field.TYPE_FIXED64: {"type": "string", "pattern": "^[0-9]+$"},
    Field.TYPE_BOOL: {"type": "boolean"},
    Field.TYPE_STRING: {"type": "string"},
    Field.TYPE_BYTES: {"type": "string", "format": "byte"},
}
ERRORS = {
    "400": "The request is not understood.",
    "401": "A key is missing, or not one of api.keys.",
    "403": "It comes from a page or an address that may not.",
    "404": "There is no such method, or nobody answers to this address.",
    "408": "The body did not come within api.request_timeout.",
    "409": "The channel is not where the request expects it, or a limit is"
           " reached.",
    "411": "The length of the body is not told.",
    "413": "The request, or the reply, is larger than the limit.",
    "415": "The body is neither JSON nor Protocol Buffers.",
    "422": "A client refused the call with a code of the application.",
    "429": "Too often; Retry-After says when to come again.",
    "500": "The server failed.",
    "502": "A client failed to answer.",
    "503": "The server has too much to do, or shuts down.",
    "504": "No answer came in time.",
}


def snake(camel):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", camel).lower()


def camel(snake_name):
    head, *rest = snake_name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def ref(type_name):
    return {"$ref": "#/components/schemas/" + type_name.split(".")[-1]}


def sentence(comment):
    return " ".join(comment.split())


class Comments:
    """Comments of the schema by the path of what they stand above."""

    def __init__(self, file):
        self.by_path = {
            tuple(l.path): sentence(l.leading_comments)
            for l in file.source_code_info.location if l.leading_comments}

    def of(self, *path):
        return self.by_path.get(path, "")


def described(schema, text):
    if not text:
        return dict(schema)
    if "$ref" in schema:  # beside a reference nothing may stand
        return {"allOf": [schema], "description": text}
    return {**schema, "description": text}


def field_schema(field, text):
    if field.type in (Field.TYPE_MESSAGE, Field.TYPE_ENUM):
        schema = ref(field.type_name)
    else:
        schema = SCALARS[field.type]
    if field.label == Field.LABEL_REPEATED:
        schema = {"type": "array", "items": schema}
    return described(schema, text)


def message_schema(file, comments, number):
    message = file.message_type[number]
    text = comments.of(4, number)
    if message.name == "Json":
        return described({}, text)
    properties = {
        camel(f.name): field_schema(f, comments.of(4, number, 2, i))
        for i, f in enumerate(message.field)}
    schema = {"type": "object", "additionalProperties": False}
    if properties:
        schema["properties"] = properties
    return described(schema, text)


def enum_schema(file, comments, number):
    enum = file.enum_type[number]
    values = [(v.name, comments.of(5, number, 2, i))
              for i, v in enumerate(enum.value)]
    text = " ".join([comments.of(5, number)] +
                    [f"{name}: {text}" for name, text in values if text])
    return described(
        {"type": "string", "enum": [name for name, _ in values]}, text)


def content(type_name):
    return {
        "application/json": {"schema": ref(type_name)},
        "application/x-protobuf": {
            "schema": {"type": "string", "format": "binary"}},
    }


def operation(method, text):
    name = snake(method.name)
    responses = {"200": {"description": "Done.",
                         "content": content(method.output_type)}}
    for status in ERRORS:
        responses[status] = {"$ref": "#/components/responses/E" + status}
    return {
        "operationId": name,
        "summary": text.split(". ")[0].rstrip(".") + ".",
        "description": text,
        "requestBody": {"required": True,
                        "content": content(method.input_type)},
        "responses": responses,
    }


def error_schema():
    return {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {
            "type": "object",
            "required": ["code", "name", "message"],
            "properties": {
                "code": {"type": "integer",
                         "description": "Number of the code (docs/protocol.md)."},
                "name": {"type": "string"},
                "message": {"type": "string"},
                "retryAfterMs": {"type": "integer"},
            }}}}


def document(file, version):
    comments = Comments(file)
    service = file.service[0]
    schemas = {m.name: message_schema(file, comments, i)
               for i, m in enumerate(file.message_type)}
    schemas |= {e.name: enum_schema(file, comments, i)
                for i, e in enumerate(file.enum_type)}
    schemas["Error"] = error_schema()
    answers = {
        "E" + status: {
            "description": text,
            "content": {"application/json": {"schema": ref("Error")}}}
        for status, text in ERRORS.items()}
    paths = {
        "/v1/api/" + snake(m.name): {
            "post": operation(m, comments.of(6, 0, 2, i))}
        for i, m in enumerate(service.method)}
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Godwit server API",
            "version": version,
            "description": "What an application asks of a Godwit server, at its"
                           " internal listener. 64-bit numbers are strings of"
                           " decimal digits, bytes are base64.",
            "license": {"name": "MIT"},
        },
        "servers": [{"url": "http://127.0.0.1:9000"}],
        "security": [{}, {"bearer": []}, {"key": []},
                     {"administrator": [], "csrf": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "administrator": {
                    "type": "apiKey", "in": "cookie", "name": "godwit_admin",
                    "description": "The session of an administrator who is"
                                   " logged in at /admin; behind TLS it is named"
                                   " __Host-godwit_admin."},
                "csrf": {
                    "type": "apiKey", "in": "header", "name": "X-CSRF-Token",
                    "description": "The token of that session."},
            },
            "responses": answers,
            "schemas": schemas,
        },
    }


def yaml(value, indent=0):
    """Block style for what has parts, JSON for the rest."""
    pad = "  " * indent
    lines = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in items:
        front = f"{pad}- " if isinstance(value, list) else \
            f"{pad}{json.dumps(key) if not key.isidentifier() else key}: "
        if isinstance(part, (dict, list)) and part:
            lines.append(front.rstrip())
            lines.append(yaml(part, indent + 1))
        else:
            lines.append(front + json.dumps(part, ensure_ascii=False))
    return "\n".join(lines)


def c_array(text):
    data = text.encode()
    rows = [", ".join(str(b) for b in data[i:i + 20])
            for i in range(0, len(data), 20)]
    return "/* Made by gen_openapi.py. */\n" + ",\n".join(rows) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--descriptor", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--yaml", required=True)
    parser.add_argument("--c-bytes", required=True)
    options = parser.parse_args()
    files = descriptor_pb2.FileDescriptorSet()
    with open(options.descriptor, "rb") as f:
        files.ParseFromString(f.read())
    file = next(f for f in files.file if f.name == FILE)
    text = yaml(document(file, options.version)) + "\n"
    with open(options.yaml, "w", encoding="utf-8") as f:
        f.write(text)
    with open(options.c_bytes, "w", encoding="utf-8") as f:
        f.write(c_array(text))


if __name__ == "__main__":
    main()
