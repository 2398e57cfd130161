"""Literals of a document as the JSON that they stand for, with every digit of their numbers."""

from __future__ import annotations

from typing import Any

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

from oneo import strict_json
from oneo.errors import MalformedJson

_DEPTH = 32


def plain(node: ValueNode, variables: dict[str, Any] | None = None) -> object:
    match node:
        case ObjectValueNode():
            return {member.name.value: plain(member.value, variables) for member in node.fields}
        case ListValueNode():
            return [plain(item, variables) for item in node.values]
        case IntValueNode() | FloatValueNode():
            return loads(node.value)
        case StringValueNode() | BooleanValueNode() | EnumValueNode():
            return node.value
        case VariableNode():
            return (variables or {}).get(node.name.value)
    return None


def loads(text: str) -> object:
    """Raises GraphQLError."""
    try:
        found: object = strict_json.loads(text.encode(), max_depth=_DEPTH)
    except (MalformedJson, UnicodeEncodeError):
        raise GraphQLError("The string holds no strict JSON.") from None
    return found
