"""The GraphQL face's one way to make a root field, and the scalars that all types share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import graphene

from oneo.access import policy
from oneo.access.permissions import P
from oneo.actor import Actor

LOGGED_IN: Final = "logged in"
"""What a root field may ask instead of a permission: one's own things."""

Operation = Callable[..., Any]


@dataclass(slots=True)
class Context:
    """What one execution knows. `confirmed`: an operation has passed the gate as this actor."""

    actor: Actor
    confirmed: bool = False


class RootField(graphene.Field):
    """A field of Query that is an operation: it says who may ask, and is called with the actor and its arguments."""

    def __init__(self, type_: Any, operation: Operation, *, permission: P | str, **options: Any) -> None:
        """`permission` is required: a field that forgets it fails at import."""
        if not isinstance(permission, P) and permission != LOGGED_IN:
            raise TypeError(f"{operation.__name__} does not say who may call it")
        super().__init__(type_, **options)
        self.permission = permission
        self.operation = operation

    def wrap_resolve(self, _parent_resolver: Any) -> Callable[..., Any]:
        def resolve(_root: object, info: Any, **arguments: Any) -> Any:
            context: Context = info.context
            if isinstance(self.permission, P):
                policy.require(context.actor, self.permission)
            found = self.operation(context.actor, **arguments)
            context.confirmed = True
            return found

        return resolve


class DateTime(graphene.Scalar):
    """A moment: RFC 3339 in UTC with microseconds, as REST writes it."""

    serialize = staticmethod(str)


class JSON(graphene.Scalar):
    """Any JSON value."""

    @staticmethod
    def serialize(value: object) -> object:
        return value
