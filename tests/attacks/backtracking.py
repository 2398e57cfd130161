"""A matcher that counts its steps, and texts that make a pattern take as many as it can.

Python's own engine tells only the time that it took. This one goes back over the text in the same order, without its
shortcuts, so that a pattern whose steps grow faster than the text can be found on any machine.
"""

from __future__ import annotations

import importlib
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

_parser: Any = importlib.import_module("re._parser")
NOWHERE = "\uffff"
"""A character that no pattern of ours names."""
_UNBOUNDED = 16
"""A repeat that may go on for longer than this is worth pumping."""
_VARIANTS = 12
_MOST = 100_000
"""More steps than any linear pattern takes for the shorter of two texts."""
_WORD = re.compile(r"\w")
_SPACE = re.compile(r"\s")
Then = Callable[[int], bool]


class TooManySteps(Exception):
    pass


class Counter:
    """Matches one pattern and counts every comparison of a character or a place."""

    def __init__(self, pattern: str | bytes, flags: int = 0) -> None:
        text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
        self._tree = _parser.parse(text, flags & ~re.UNICODE)
        self._ascii = isinstance(pattern, bytes) or bool(self._tree.state.flags & re.ASCII)
        self._dotall = bool(self._tree.state.flags & re.DOTALL)
        self._text, self._steps, self._limit = "", 0, 0

    def steps(self, text: str, *, scan: bool, limit: int) -> int:
        """Of one match of the whole text, or, with `scan`, of all matches in it."""
        self._text, self._steps, self._limit = text, 0, limit
        at = 0
        while at <= len(text):
            end = self._match_at(at, whole=not scan)
            if not scan:
                break
            at = max(at + 1, end)
        return self._steps

    def _match_at(self, at: int, *, whole: bool) -> int:
        ends: list[int] = []

        def done(end: int) -> bool:
            self._step()
            ends.append(end)
            return not whole or end == len(self._text)

        return ends[-1] if self._seq(self._tree, 0, at, done) else at

    def _step(self) -> None:
        self._steps += 1
        if self._steps > self._limit:
            raise TooManySteps

    def _seq(self, nodes: Sequence[Any], index: int, at: int, then: Then) -> bool:
        if index == len(nodes):
            return then(at)
        operator, argument = nodes[index]
        return self._node(str(operator), argument, at, lambda end: self._seq(nodes, index + 1, end, then))

    def _node(self, operator: str, argument: Any, at: int, then: Then) -> bool:
        match operator:
            case "BRANCH":
                return any(self._seq(branch, 0, at, then) for branch in argument[1])
            case "SUBPATTERN":
                return self._seq(argument[3], 0, at, then)
            case "ATOMIC_GROUP":
                return self._apart(argument, at, then)
            case "MAX_REPEAT" | "MIN_REPEAT":
                return self._repeat(argument, at, then, lazy=operator == "MIN_REPEAT")
            case "POSSESSIVE_REPEAT":
                return self._apart([(_parser.MAX_REPEAT, argument)], at, then)
            case "AT":
                self._step()
                return self._is_at(str(argument), at) and then(at)
            case "ASSERT" | "ASSERT_NOT":
                return self._look(argument, at) == (operator == "ASSERT") and then(at)
            case _:
                self._step()
                fits = at < len(self._text) and self.fits(operator, argument, self._text[at])
                return fits and then(at + 1)

    def _apart(self, nodes: Sequence[Any], at: int, then: Then) -> bool:
        """What has matched once is not tried in another way."""
        ends: list[int] = []
        return self._seq(nodes, 0, at, lambda end: not ends.append(end)) and then(ends[0])  # type: ignore[func-returns-value]

    def _look(self, argument: Any, at: int) -> bool:
        direction, inner = argument
        start = at if direction > 0 else at - inner.getwidth()[0]
        return start >= 0 and self._seq(inner, 0, start, lambda _: True)

    def _is_at(self, place: str, at: int) -> bool:
        ends = {"AT_END": {len(self._text), len(self._text.removesuffix("\n"))}, "AT_END_STRING": {len(self._text)}}
        if place in ends:
            return at in ends[place]
        assert place in {"AT_BEGINNING", "AT_BEGINNING_STRING"}, place
        return at == 0

    def _repeat(self, argument: Any, at: int, then: Then, *, lazy: bool) -> bool:
        least, most, inner = argument
        if len(inner) == 1 and is_single(inner[0]):
            return self._run(int(least), int(most), inner[0], at, then, lazy=lazy)

        def again(count: int, place: int, before: int) -> bool:
            if count > least and place == before:  # an empty turn would go on for ever
                return False
            if lazy and count >= least and then(place):
                return True
            if count < most and self._seq(inner, 0, place, lambda end: again(count + 1, end, place)):
                return True
            return not lazy and count >= least and then(place)

        return again(0, at, -1)

    def _run(self, least: int, most: int, node: Any, at: int, then: Then, *, lazy: bool) -> bool:
        """A repeat of one character, without a call for each."""
        count = 0
        while (
            count < most and at + count < len(self._text) and self.fits(str(node[0]), node[1], self._text[at + count])
        ):
            self._step()
            count += 1
        counts = range(least, count + 1) if lazy else range(count, least - 1, -1)
        return any(then(at + turns) for turns in counts)

    def fits(self, operator: str, argument: Any, character: str) -> bool:
        code = ord(character)
        match operator:
            case "LITERAL":
                return bool(code == argument)
            case "NOT_LITERAL":
                return bool(code != argument)
            case "ANY":
                return self._dotall or character != "\n"
            case "IN":
                negated = bool(argument) and str(argument[0][0]) == "NEGATE"
                return negated != any(self._in(str(kind), value, character) for kind, value in argument[negated:])
            case _:
                raise NotImplementedError(operator)

    def _in(self, kind: str, value: Any, character: str) -> bool:
        if kind == "LITERAL":
            return bool(ord(character) == value)
        if kind == "RANGE":
            return bool(value[0] <= ord(character) <= value[1])
        assert kind == "CATEGORY", kind
        name = str(value).removeprefix("CATEGORY_")
        return name.startswith("NOT_") != self._is_of(name.removeprefix("NOT_"), character)

    def _is_of(self, category: str, character: str) -> bool:
        if self._ascii and not character.isascii():
            return False
        if category == "DIGIT":
            return unicodedata.category(character) == "Nd"
        return bool({"WORD": _WORD, "SPACE": _SPACE}[category].match(character))

    def characters(self) -> list[str]:
        """One for each way in which characters differ for this pattern."""
        sets = [node for node in _walk(self._tree) if is_single(node)]
        codes = {code for _, argument in sets for code in _codes(argument)} | set(map(ord, " a0_-\t")) | {ord(NOWHERE)}
        known: dict[tuple[bool, ...], str] = {}
        for code in sorted(codes):
            known.setdefault(tuple(self.fits(str(kind), argument, chr(code)) for kind, argument in sets), chr(code))
        return list(known.values())

    def attacks(self) -> Iterator[tuple[str, str, str]]:
        """(what stands before, what is repeated, what stands behind): texts that lead into each repeat, keep it going,
        and then fail in it.
        """
        letters = self.characters()
        pumps = dict.fromkeys(letters)
        prefixes: dict[str, None] = {"": None, NOWHERE: None}
        for lead, node in _repeats(self._tree, ""):
            pumps |= dict.fromkeys(islice(self._samples(node[1][2], letters), _VARIANTS))
            prefixes |= {lead: None}
        for prefix in islice(prefixes, _VARIANTS):
            for pump in pumps:
                for suffix in ("", NOWHERE, *letters[:3]):
                    yield prefix, pump, suffix

    def _samples(self, nodes: Sequence[Any], letters: Sequence[str]) -> Iterator[str]:
        """Short texts that match, with each kind of character that may stand there."""
        if not nodes:
            yield ""
            return
        for first in self._samples_of(str(nodes[0][0]), nodes[0][1], letters):
            for rest in islice(self._samples(nodes[1:], letters), _VARIANTS):
                yield first + rest

    def _samples_of(self, operator: str, argument: Any, letters: Sequence[str]) -> Iterator[str]:
        if is_single((operator, argument)):
            yield from (letter for letter in letters if self.fits(operator, argument, letter))
        elif operator == "BRANCH":
            for branch in argument[1]:
                yield from islice(self._samples(branch, letters), _VARIANTS)
        elif operator in {"SUBPATTERN", "ATOMIC_GROUP"}:
            yield from self._samples(argument[3] if operator == "SUBPATTERN" else argument, letters)
        elif "REPEAT" in operator:
            least, most, inner = argument
            yield from (text * max(least, 1) for text in islice(self._samples(inner, letters), _VARIANTS))
            if least == 0 or most == 0:
                yield ""
        else:
            yield ""


def is_single(node: Any) -> bool:
    return str(node[0]) in {"LITERAL", "NOT_LITERAL", "ANY", "IN"}


def _inner(node: Any) -> list[Any]:
    """The sequences inside a node."""
    operator, argument = str(node[0]), node[1]
    if operator == "BRANCH":
        return list(argument[1])
    if operator == "SUBPATTERN":
        return [argument[3]]
    if operator == "ATOMIC_GROUP":
        return [argument]
    if "REPEAT" in operator:
        return [argument[2]]
    return [argument[1]] if operator in {"ASSERT", "ASSERT_NOT"} else []


def _walk(nodes: Sequence[Any]) -> Iterator[Any]:
    for node in nodes:
        yield node
        for inner in _inner(node):
            yield from _walk(inner)


def _repeats(nodes: Sequence[Any], lead: str) -> Iterator[tuple[str, Any]]:
    """Each repeat that may go on for long, and a text that leads to it."""
    for node in nodes:
        if "REPEAT" in str(node[0]) and node[1][1] > _UNBOUNDED:
            yield lead, node
        for inner in _inner(node):
            yield from _repeats(inner, lead)
        lead += _shortest([node])


def _shortest(nodes: Sequence[Any]) -> str:
    text = ""
    for node in nodes:
        operator, argument = str(node[0]), node[1]
        if operator == "LITERAL":
            text += chr(argument)
        elif is_single(node):
            text += next((chr(code) for code in (*_codes(argument), 97, 48) if _fits(node, chr(code))), "")
        elif "REPEAT" in operator:
            text += _shortest(argument[2]) * int(argument[0])
        elif operator in {"ASSERT", "ASSERT_NOT", "AT"}:
            continue
        else:
            text += _shortest(_inner(node)[0])
    return text


def _fits(node: Any, character: str) -> bool:
    return Counter("").fits(str(node[0]), node[1], character)


def _codes(argument: Any) -> list[int]:
    """Characters that a set names, and those beside them."""
    if isinstance(argument, int):
        return [argument]
    codes: list[int] = []
    for kind, value in argument or ():
        if str(kind) == "LITERAL":
            codes.append(value)
        elif str(kind) == "RANGE":
            codes += [value[0], value[1], value[0] - 1, value[1] + 1]
    return [code for code in codes if 0 <= code <= sys.maxunicode]


def superlinear(pattern: str | bytes, flags: int = 0, *, scan: bool) -> str | None:
    """A text on which four times the length takes far more than four times the steps; None where there is none."""
    counter = Counter(pattern, flags)
    for attack in counter.attacks():
        # At first with short texts; a repeat of at most 61 characters is no longer told from a long one by them.
        if all(_grows(counter, attack, turns, scan=scan) for turns in (10, 64)):
            prefix, pump, suffix = attack
            return f"{prefix!r} + {pump!r} * n + {suffix!r}"
    return None


def _grows(counter: Counter, attack: tuple[str, str, str], turns: int, *, scan: bool) -> bool:
    prefix, pump, suffix = attack
    try:
        few = counter.steps(prefix + pump * turns + suffix, scan=scan, limit=_MOST)
        counter.steps(prefix + pump * turns * 4 + suffix, scan=scan, limit=6 * few + 50)
    except (TooManySteps, RecursionError):
        return True
    return False
