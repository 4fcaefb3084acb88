"""What keeps a page below 30 MB: pictures that do not fit stay beside it.

Texts and tables always stand; runs to play are thinned before (`scene.film_of`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MOST_BYTES = 28_000_000
"""Of a page, less what frames it: it is mailed, and a phone opens it."""


@dataclass(frozen=True)
class Piece:
    """A part of a page, in its order.

    Attributes:
        html: the part itself.
        block: element with the numbers behind a figure, for the end of the page.
        instead: what stands here where there is no room; empty for what must stand.
    """

    html: str
    block: str = ""
    instead: str = ""

    @property
    def size(self) -> int:
        """Return its length in bytes."""
        return len((self.html + self.block).encode())


def fitted(pieces: Iterable[Piece], room: int) -> list[Piece]:
    """Return the pieces, without those pictures for which `room` bytes do not suffice.

    The first ones of a page are kept.

    >>> [piece.html for piece in fitted([Piece("12345", instead="-"), Piece("6")], 3)]
    ['-', '6']
    """
    parts = list(pieces)
    room -= sum(piece.size for piece in parts if not piece.instead)
    kept = []
    for piece in parts:
        if piece.instead and piece.size > room:
            kept.append(Piece(piece.instead))
        else:
            room -= piece.size if piece.instead else 0
            kept.append(piece)
    return kept
