"""Log lines as templates: what a program says again and again, with its variable words left out. Pure, standard library only.

In: lines of one component, in order. Out: a template number that stays for the life of the miner, and whether it is new.
The method is a fixed-depth parse tree (Drain): lines are told apart by their number of words and their first word, then
joined to the most similar template when enough words agree; words that differ become `<*>`. Masked beforehand: whatever
holds a digit. The same lines in the same order give the same templates, and a miner restored from its state goes on as it was.

Log text is hostile: a line is cut at a bound of characters and words, control characters are spaces, and templates,
branches and their text are bounded. What does not fit any more is template 0, "everything else". Text that leaves here is data
for people and similarity, never an instruction, and holds no words with digits: no addresses, numbers or tokens with any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import Permanent

OTHER = 0
WILD = "<*>"
_DEPTH = 1  # first words that are compared before similarity
_ALIKE = 0.5  # share of words that have to agree

_DIGIT = re.compile(r"[0-9]")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a miner may hold and look at."""

    templates: int = 1_000
    characters: int = 1_000
    words: int = 60
    word: int = 60
    branch: int = 40  # templates that share the number of words and the first one; more are joined to the most similar


@dataclass(slots=True)
class Template:
    """One way of speaking."""

    id: int
    words: list[str]
    lines: int = 0

    @property
    def text(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class Found:
    id: int
    new: bool


@dataclass(slots=True)
class Miner:
    """The templates of one component."""

    bounds: Bounds = field(default_factory=Bounds)
    _templates: dict[int, Template] = field(default_factory=dict)
    _branches: dict[tuple[str, ...], list[int]] = field(default_factory=dict)

    def learn(self, line: str) -> Found:
        """The template of a line, which widens when the line differs from it."""
        words = self._words(line)
        if not words:
            return Found(OTHER, new=False)
        branch = self._branches.setdefault(_branch(words), [])
        best, alike = self._nearest(branch, words)
        if best is not None and (alike >= _ALIKE or len(branch) >= self.bounds.branch):
            best.words = [a if a == b else WILD for a, b in zip(best.words, words, strict=True)]
            best.lines += 1
            return Found(best.id, new=False)
        if len(self._templates) >= self.bounds.templates:
            if not branch:
                del self._branches[_branch(words)]
            return Found(OTHER, new=False)
        made = Template(len(self._templates) + 1, words, 1)
        self._templates[made.id] = made
        branch.append(made.id)
        return Found(made.id, new=True)

    def templates(self) -> tuple[Template, ...]:
        return tuple(self._templates.values())

    def text(self, number: int) -> str:
        found = self._templates.get(number)
        return found.text if found else ""

    def state(self) -> list[list[Any]]:
        """What `restored` takes, fit for JSON."""
        return [[template.lines, *template.words] for template in self._templates.values()]

    @classmethod
    def restored(cls, state: object, bounds: Bounds | None = None) -> Miner:
        """Permanent when the state is none: then learning begins anew."""
        miner = cls(bounds or Bounds())
        for row in _rows(state, miner.bounds):
            made = Template(len(miner._templates) + 1, [str(word) for word in row[1:]], int(row[0]))
            miner._templates[made.id] = made
            miner._branches.setdefault(_branch(made.words), []).append(made.id)
        return miner

    def _nearest(self, branch: Sequence[int], words: Sequence[str]) -> tuple[Template | None, float]:
        """The first of the most similar. A word that became wild agrees with no plain word: the narrower template wins."""
        best, most = None, -1
        for template in (self._templates[number] for number in branch):
            same = sum(a == b for a, b in zip(template.words, words, strict=True))
            if same > most:
                best, most = template, same
        return best, most / len(words)

    def _words(self, line: str) -> list[str]:
        cut = line[: self.bounds.characters]
        plain = cut if cut.isprintable() else "".join(letter if letter.isprintable() else " " for letter in cut)
        whole = plain.split()[: self.bounds.words]
        return [WILD if _DIGIT.search(word) else word[: self.bounds.word] for word in whole]


def _branch(words: Sequence[str]) -> tuple[str, ...]:
    return (str(len(words)), *words[:_DEPTH])


def _rows(state: object, bounds: Bounds) -> Iterator[list[Any]]:
    rows = state if isinstance(state, list) and len(state) <= bounds.templates else None
    for row in rows if rows is not None else [None]:
        if not (isinstance(row, list) and 1 < len(row) <= bounds.words + 1 and isinstance(row[0], int)):
            raise Permanent("these are not the templates of a log", next_step="remove the file; they are learned again")
        yield row
