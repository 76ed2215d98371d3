"""What every operation answers where it does not do what it is asked for, in the OpenAPI schema.

The views declare what they answer otherwise; drf-spectacular by itself declares no error at all.
"""

from typing import Any

METHODS = ("get", "put", "post", "patch", "delete")
_TEXT = {"type": "string"}
COMPONENTS = {
    "Problem": {
        "type": "object",
        "properties": {"detail": _TEXT},
        "required": ["detail"],
        "description": "What is wrong, as a sentence.",
    },
    "FieldProblems": {
        "type": "object",
        "additionalProperties": {},
        "description": 'What is wrong with each parameter or field, by its name: `{"limit": ["…"]}`.',
    },
    "QueryProblem": {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "field": _TEXT,
                    "position": {"type": "integer", "description": "Characters from the start, from 0."},
                    "reason": _TEXT,
                    "hint": _TEXT,
                },
                "required": ["field", "reason"],
            }
        },
        "required": ["error"],
        "description": "A query that is refused, or that takes too long.",
    },
}


def _answer(description: str, *names: str) -> dict[str, Any]:
    links = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    schema = links[0] if len(links) == 1 else {"anyOf": links}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _errors(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    """The answers that `operation` has beside those that it declares, by their status."""
    found = {
        "400": _answer("Something of the request cannot be used.", "Problem", "QueryProblem", "FieldProblems")
    }
    if {} not in operation.get("security", [{}]):
        found["401"] = _answer("The request needs a token or the session of a log-in.", "Problem")
        found["403"] = _answer("A permission is missing.", "Problem")
    if "{" in path:
        found["404"] = _answer("There is no such thing.", "Problem")
    if "requestBody" in operation:
        found["413"] = _answer("The body is too large.", "Problem")
        found["415"] = _answer("The body is of a type that is not read.", "Problem")
    found["503"] = _answer(
        "The database does not answer in time; nothing was done.", "Problem", "QueryProblem"
    )
    return found


def with_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of drf-spectacular: the schema with the errors of each operation that declares none of its own."""
    for path, operations in result["paths"].items():
        for method in METHODS:
            if (operation := operations.get(method)) and "401" not in operation["responses"]:
                declared = operation["responses"]
                operation["responses"] = dict(sorted({**_errors(path, operation), **declared}.items()))
    result["components"]["schemas"] |= COMPONENTS
    return result
