"""What a document may ask for, measured before it is validated, in time linear to its length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
)

MAX_LENGTH = 100_000
MAX_TOKENS = 5_000
MAX_COMMENTS = 1_000
MAX_OPERATIONS = 20
MAX_FRAGMENTS = 50
MAX_DIRECTIVES = 50
MAX_DEPTH = 20
MAX_FIELDS = 1_000
MAX_ALIASES = 30
MAX_REPEATS = 20

Definition = OperationDefinitionNode | FragmentDefinitionNode


@dataclass(slots=True)
class Size:
    """Of a definition alone, or with everything that its fragments bring in. `spreads`: their names and depths."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    repeats: int = 0
    directives: int = 0
    spreads: list[tuple[str, int]] = field(default_factory=list)


def excess(document: DocumentNode) -> GraphQLError | None:
    """The first limit that the document goes beyond, if any."""
    return next((_too_much(what, limit) for what, count, limit in _counts(document) if count > limit), None)


def _counts(document: DocumentNode) -> Iterator[tuple[str, int, int]]:
    """(what, how many, how many are allowed). A fragment that nothing uses is measured too: it is validated."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    yield "operations", len(operations), MAX_OPERATIONS
    yield "fragments", len(fragments), MAX_FRAGMENTS
    alone = {node.name.value: _measure(node) for node in fragments}
    whole: dict[str, Size] = {}
    for size in [*map(_measure, operations), *alone.values()]:
        yield from _counts_of(_with_fragments(size, alone, whole))


def _counts_of(size: Size) -> Iterator[tuple[str, int, int]]:
    yield "levels", size.depth, MAX_DEPTH
    yield "fields", size.fields, MAX_FIELDS
    yield "aliases", size.aliases, MAX_ALIASES
    yield "repeated fields", size.repeats, MAX_REPEATS
    yield "directives", size.directives, MAX_DIRECTIVES


def _too_much(what: str, limit: int) -> GraphQLError:
    return GraphQLError(f"A document has {limit} {what} at most.")


def _measure(definition: Definition) -> Size:
    size = Size(directives=len(definition.directives))
    for variable in definition.variable_definitions or ():
        size.directives += len(variable.directives)
    stack = [(definition.selection_set, 1)]
    while stack:
        selections, depth = stack.pop()
        _count(selections, depth, size, stack)
    return size


def _count(selections: SelectionSetNode, depth: int, size: Size, stack: list[tuple[SelectionSetNode, int]]) -> None:
    seen: set[str] = set()
    for node in selections.selections:
        size.directives += len(node.directives)
        if isinstance(node, FragmentSpreadNode):
            size.spreads.append((node.name.value, depth))
            continue
        if isinstance(node, FieldNode):
            key = (node.alias or node.name).value
            size.depth = max(size.depth, depth)
            size.fields += 1
            size.aliases += node.alias is not None
            size.repeats += key in seen
            seen.add(key)
        inner: SelectionSetNode | None = node.selection_set  # type: ignore[attr-defined] # an inline fragment has one
        if inner is not None:
            stack.append((inner, depth + isinstance(node, FieldNode)))


def _with_fragments(size: Size, fragments: dict[str, Size], whole: dict[str, Size]) -> Size:
    """A cycle adds nothing here: validation refuses it."""
    total = Size(size.depth, size.fields, size.aliases, size.repeats, size.directives)
    for name, depth in size.spreads:
        if name not in whole and name in fragments:
            whole[name] = Size()
            whole[name] = _with_fragments(fragments[name], fragments, whole)
        part = whole.get(name, Size())
        total.depth = max(total.depth, depth - 1 + part.depth)
        total.fields += part.fields
        total.aliases += part.aliases
        total.repeats += part.repeats
        total.directives += part.directives
    return total
