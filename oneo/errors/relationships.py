"""What goes wrong with relationships, their types and constraints."""

from __future__ import annotations

from oneo.errors.base import DomainError
from oneo.errors.request import NotFound
from oneo.errors.things import Conflict


class RelationshipNotFound(NotFound):
    code, title = "RELATIONSHIP_NOT_FOUND", "There is no such relationship."


class RelationshipNotRemoved(Conflict):
    code, title = "RELATIONSHIP_NOT_REMOVED", "Only a removed relationship can be erased: remove it first."


class RelationshipTypeNotFound(NotFound):
    code, title = "RELATIONSHIP_TYPE_NOT_FOUND", "There is no such relationship type."


class ConstraintNotFound(NotFound):
    code, title = "CONSTRAINT_NOT_FOUND", "There is no such constraint."


class RelationshipTypeInUse(Conflict):
    code, title = "RELATIONSHIP_TYPE_IN_USE", "Relationships of the type do not fit this change."


class InvalidRelationshipType(DomainError):
    code, status, title = "INVALID_RELATIONSHIP_TYPE", 422, "The relationship type does not fit these records."


class ConstraintViolation(Conflict):
    code, title = "CONSTRAINT_VIOLATION", "The change would break a constraint of a relationship type."


class CircularRelationship(ConstraintViolation):
    code, title = "CIRCULAR_RELATIONSHIP", "The relationship would close a circle in a hierarchy."


class DuplicateRelationship(Conflict):
    code, title = "DUPLICATE_RELATIONSHIP", "These records are related in this way already, at the same time."


class InactiveThing(Conflict):
    code, title = "INACTIVE_THING", "A record that is to be related is not active."


class ThingInUse(Conflict):
    code, title = "THING_IN_USE", "Relationships keep the record from being removed."
