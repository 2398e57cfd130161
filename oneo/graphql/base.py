"""The GraphQL face's one way to make a root field, and the scalars that all types share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import graphene
import orjson

from oneo import exact_json
from oneo.access import policy
from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.graphql.ends import Ends
from oneo.graphql.literals import plain

LOGGED_IN: Final = "logged in"
"""What a root field may ask instead of a permission: one's own things."""

Operation = Callable[..., Any]


@dataclass(slots=True)
class Context:
    """What one execution knows. `confirmed`: an operation has passed the gate as this actor. `pipelines` were loaded
    for it, by id and the keys that were asked for; `ends` are the records that relationships lead to; `words` are those
    of root fields that name errors otherwise than the catalogue, by the keys of the answer.
    """

    actor: Actor
    confirmed: bool = False
    pipelines: dict[tuple[str, str], Any] = field(default_factory=dict)
    ends: Ends = field(default_factory=Ends)
    words: dict[str, str] = field(default_factory=dict)


class RootField(graphene.Field):
    """A field of Query that is an operation: it says who may ask, and is called with the actor and its arguments."""

    def __init__(
        self, type_: Any, operation: Operation, *, permission: P | str, looks_ahead: bool = False,
        words: str | None = None, **options: Any,
    ) -> None:  # fmt: skip
        """`permission` is required: a field that forgets it fails at import. An operation that looks ahead is called
        with the execution's information after the actor. Errors are named in the `words`.
        """
        if not isinstance(permission, P) and permission != LOGGED_IN:
            raise TypeError(f"{operation.__name__} does not say who may call it")
        super().__init__(type_, **options)
        self.permission = permission
        self.operation = operation
        self.looks_ahead = looks_ahead
        self.words = words

    def wrap_resolve(self, _parent_resolver: Any) -> Callable[..., Any]:
        def resolve(_root: object, info: Any, **arguments: Any) -> Any:
            context: Context = info.context
            if self.words is not None:
                context.words[info.path.key] = self.words
            if isinstance(self.permission, P):
                policy.require(context.actor, self.permission)
            seen = (info,) if self.looks_ahead else ()
            found = self.operation(context.actor, *seen, **arguments)
            context.confirmed = True
            return found

        return resolve


class DateTime(graphene.Scalar):
    """A moment: RFC 3339 in UTC with microseconds, as REST writes it."""

    serialize = staticmethod(str)


class JSON(graphene.Scalar):
    """Any JSON value."""

    parse_literal = staticmethod(plain)

    @staticmethod
    def parse_value(value: object) -> object:
        return value

    @staticmethod
    def serialize(value: object) -> object:
        """As it is written out: every digit of its numbers is kept."""
        return orjson.Fragment(exact_json.dumps(value))
