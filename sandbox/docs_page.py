"""The OpenAPI description as one page that needs nothing from the network: no script, no style sheet from elsewhere.

Views are links; what changes something shows its fields and a command to copy.
"""

import html
import json
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b2733; }
code, pre { font: 13px/1.5 ui-monospace, monospace; } pre { background: #f3f5f7; padding: .7rem; overflow-x: auto; }
pre.prose { font: inherit; white-space: pre-wrap; } section { border-top: 1px solid #d5dce2; padding: .4rem 0; }
h2 { font-size: 1rem; margin: .6rem 0 .2rem; } .method { display: inline-block; min-width: 4rem; color: #5b6b79; }
table { border-collapse: collapse; } td { padding: .1rem 1rem .1rem 0; vertical-align: top; }
"""


def render(openapi: Json) -> str:
    """The page for one server's description."""
    title = html.escape(openapi["info"]["title"])
    sections = "".join(_section(openapi, path, method, told) for path, method, told in _operations(openapi))
    prose = html.escape(openapi["info"].get("description", ""))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f'<h1>{title}</h1><pre class="prose">{prose}</pre>{sections}</html>'
    )


def _operations(openapi: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in openapi["paths"].items():
        for method, told in methods.items():
            yield path, method, told


def _section(openapi: Json, path: str, method: str, told: Json) -> str:
    shown = html.escape(path)
    if method == "get" and "{" not in path:
        shown = f'<a href="{shown}">{shown}</a>'
    body = _body_schema(openapi, told)
    parts = [
        f'<h2><span class="method">{method.upper()}</span> <code>{shown}</code></h2>',
        f"<div>{html.escape(told.get('summary', ''))}</div>",
        _fields({**_parameters(told), **body.get("properties", {})}),
    ]
    if method != "get":
        parts.append(f"<pre>{html.escape(_command(path, method, body))}</pre>")
    return f"<section>{''.join(parts)}</section>"


def _parameters(told: Json) -> Json:
    return {
        one["name"]: {**one["schema"], "description": one.get("description", "")} for one in told.get("parameters", ())
    }


def _body_schema(openapi: Json, told: Json) -> Json:
    schema = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    for one in (schema, *schema.get("anyOf", ())):
        if "$ref" in one:
            named: Json = openapi["components"]["schemas"][one["$ref"].rsplit("/", 1)[1]]
            return named
    return dict(schema)


def _fields(fields: Json) -> str:
    rows = "".join(
        f"<tr><td><code>{html.escape(name)}</code></td><td>{html.escape(_kind(schema))}</td>"
        f"<td>{html.escape(schema.get('description', ''))}</td></tr>"
        for name, schema in fields.items()
    )
    return f"<table>{rows}</table>" if rows else ""


def _kind(schema: Json) -> str:
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    kinds = [one.get("type", "object") for one in schema.get("anyOf", (schema,)) if one.get("type") != "null"]
    default = schema.get("default")
    return " or ".join(kinds) + (f" (default {json.dumps(default)})" if default is not None else "")


def _command(path: str, method: str, body: Json) -> str:
    fields = ", ".join(f'"{name}": …' for name in body.get("properties", {}))
    data = f" -H 'Content-Type: application/json' -d '{{{fields}}}'" if fields else ""
    return f"curl -X {method.upper()} http://HOST:PORT{path}{data}"
