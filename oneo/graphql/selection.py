"""What a document asks of a field, so that nothing else is read for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphene.utils.str_converters import to_snake_case
from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, InlineFragmentNode, SelectionSetNode


def asked(info: GraphQLResolveInfo, *path: str) -> set[str]:
    """Names of fields, as REST's keys, that are selected below the field, or where the path leads from it."""
    sets: Iterable[SelectionSetNode | None] = [node.selection_set for node in info.field_nodes]
    for step in path:
        sets = [field.selection_set for field in _fields(sets, info) if field.name.value == step]
    return {to_snake_case(field.name.value) for field in _fields(sets, info) if field.name.value != "__typename"}


def _fields(sets: Iterable[SelectionSetNode | None], info: GraphQLResolveInfo) -> Iterator[FieldNode]:
    for found in sets:
        for node in found.selections if found else ():
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from _fields([node.selection_set], info)
            elif isinstance(node, FragmentSpreadNode):
                yield from _fields([info.fragments[node.name.value].selection_set], info)
