"""Decoding tables of Fortran numbers without looking at one number at a time.

VASP prints coordinates in columns of one width with eight decimals (F12.8 in XDATCAR,
F16.8 in vasprun.xml), so that the eight decimals of a number are the eight bytes of one
integer, and a few integer operations on whole arrays turn them into a value (the
"SIMD within a register" of parsers, as in D. Lemire, "Quickly parsing eight digits",
2018). Every byte is checked; rows that differ from the layout in anything are not
decoded but left to the reader that takes a line at a time. Both give the same bits: an
integer below 2^53 divided by 10^8 is rounded once, as `float` rounds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]

BLOCK_NUMBERS = 32768
"""So many numbers are decoded at a time: their temporaries stay in the CPU's cache."""

_DECIMALS = 8
_ROW = re.compile(rb"([^\d.]*)\d+\.\d{8}[ -]*\d+\.\d{8}[ -]*\d+\.(\d{8})([^\n\d]*\n)")
_ONES = 0x0101010101010101


@dataclass(frozen=True)
class RowLayout:
    """Where the three numbers of each row stand.

    Attributes:
        width: bytes from row to row, line end included.
        dots: positions of the three decimal points in the row.
        word: bytes, decimal point included, in which the integer part is looked for.
        constant: runs of bytes that are the same in every row, by position.
    """

    width: int
    dots: tuple[int, int, int]
    word: int
    constant: tuple[tuple[int, bytes], ...]


def row_layout(row: bytes) -> RowLayout | None:
    """Return the layout of which `row`, line end included, is an example.

    None where it is not one that VASP writes: three columns of one width, eight
    decimals, four or more characters before them.
    """
    found = _ROW.fullmatch(row)
    if found is None:
        return None
    dots = [i for i, byte in enumerate(row) if byte == ord(".")]
    if len(dots) != 3 or dots[2] - dots[1] != dots[1] - dots[0]:
        return None
    before = dots[1] - dots[0] - _DECIMALS  # the point and what stands before it
    # The sign and the digits before the point are looked for in one machine word.
    word = 8 if before >= 8 else 4
    if before < word or dots[0] + 1 < word:
        return None
    gap = b" " * (before - word)
    edges = [(0, row[: dots[0] + 1 - word])]
    edges += [(dot + 1 + _DECIMALS, gap) for dot in dots[:2]]
    edges += [(dots[2] + 1 + _DECIMALS, found[3])]
    if edges[0][1].strip(b" ") and not edges[0][1].rstrip(b" ").endswith(b"<v>"):
        return None
    return RowLayout(
        len(row),
        (dots[0], dots[1], dots[2]),
        word,
        tuple((at, text) for at, text in edges if text),
    )


def decode_blocks(
    raw: Bytes, offset: int, stride: int, shape: tuple[int, int], layout: RowLayout
) -> tuple[Floats, int]:
    """Return the numbers of equally spaced blocks of rows, and how many were good.

    Args:
        raw: bytes, one-dimensional.
        offset: of the first row of the first block.
        stride: bytes from block to block.
        shape: (number of blocks, rows in each).
        layout: of every row.

    Returns:
        Values of shape (n_blocks, n_rows, 3) and the number of blocks before the first
        that has other bytes than the layout allows; only those before it are valid.
    """
    count, rows = shape
    values = np.empty((count, rows, 3))
    step = max(1, BLOCK_NUMBERS // (3 * rows))
    for start in range(0, count, step):
        some = values[start : start + step]
        good = _decode(raw, offset + start * stride, stride, some, layout)
        if good < len(some):
            return values, start + good
    return values, count


def decode_labels(raw: Bytes, stride: int, count: int, width: int) -> NDArray[np.int64]:
    """Return the labels of separator lines that VASP wrote, -1 for stars.

    Args:
        raw: bytes that begin with a separator line.
        stride: bytes from one separator line to the next.
        count: of separator lines.
        width: bytes of one, line end included.

    Returns:
        As many as follow one another in the form of the first one.
    """
    lines = np.ndarray((count, width), np.uint8, raw, 0, (stride, 1))
    name = bytes(lines[0]).index(b"=") + 1
    good = (lines[:, :name] == lines[0, :name]).all(axis=1)
    good &= lines[:, -1] == ord("\n")
    field = np.ascontiguousarray(lines[:, name:-1])
    labels = np.zeros(count, dtype=np.int64)
    begun = np.zeros(count, dtype=np.bool_)
    for column in field.T:
        digit = (column - np.uint8(48)) < 10
        good &= digit | (~begun & (column == ord(" "))) | (column == ord("*"))
        labels = np.where(digit, 10 * labels + (column.astype(np.int64) - 48), labels)
        begun |= digit
    stars = (field == ord("*")).all(axis=1)
    good &= stars | (begun & (field != ord("*")).all(axis=1) & (field.shape[1] < 18))
    labels[stars] = -1
    return labels if good.all() else labels[: int(np.argmin(good))]


def _decode(
    raw: Bytes, offset: int, stride: int, values: Floats, layout: RowLayout
) -> int:
    count, rows, _ = values.shape
    column = layout.dots[1] - layout.dots[0]

    def words(at: int, kind: str) -> NDArray[np.unsignedinteger]:
        """Return one word of each of the three columns of every row."""
        strides = (stride, layout.width, column)
        view = np.ndarray((count, rows, 3), kind, raw, offset + at, strides)
        return np.ascontiguousarray(view)

    def table(at: int, length: int) -> Bytes:
        """Return some bytes of every row."""
        strides = (stride, layout.width, 1)
        return np.ndarray((count, rows, length), np.uint8, raw, offset + at, strides)

    wrong = [
        table(at, len(text)) != np.frombuffer(text, np.uint8)
        for at, text in layout.constant
    ]
    digits = words(layout.dots[0] + 1, "<u8")
    digits ^= np.uint64(0x30 * _ONES)
    # A byte is a digit if it is below 16 and, with 6 added, still is.
    beyond = digits + np.uint64(0x06 * _ONES)
    beyond |= digits
    whole = words(layout.dots[0] + 1 - layout.word, f"<u{layout.word}")
    zero = np.frombuffer(b"0.".rjust(layout.word), f"<u{layout.word}")[0]
    plain = bool((whole == zero).all())
    if np.bitwise_or.reduce(beyond, axis=None) & np.uint64(0xF0 * _ONES):
        wrong.append((beyond & np.uint64(0xF0 * _ONES)) != 0)
    _eight_digits(digits, beyond)
    if plain:
        np.divide(digits.view("<u4")[..., 1::2], 1e8, out=values)
    else:
        wrong.append(~_with_whole(digits.view("<u4")[..., 1::2], whole, values))
    bad = [mask.any(axis=(1, 2)) for mask in wrong if mask.any()]
    return int(np.argmax(np.logical_or.reduce(bad))) if bad else count


def _eight_digits(digits: NDArray[np.uint64], spare: NDArray[np.uint64]) -> None:
    """Turn eight bytes of digits, in place, into their number in the upper half."""
    np.right_shift(digits, np.uint64(8), out=spare)
    digits *= np.uint64(10)
    digits += spare  # each even byte: a number of two digits
    np.right_shift(digits, np.uint64(16), out=spare)
    digits &= np.uint64(0x000000FF000000FF)
    digits *= np.uint64(100 + (1000000 << 32))
    spare &= np.uint64(0x000000FF000000FF)
    spare *= np.uint64(1 + (10000 << 32))
    digits += spare


def _with_whole(
    decimals: NDArray[np.uint32], whole: NDArray[np.unsignedinteger], values: Floats
) -> NDArray[np.bool_]:
    """Fill in the values; return where the part before the point is a number."""
    text = whole.view(np.uint8).reshape(*whole.shape, whole.itemsize)
    number = np.zeros(whole.shape, dtype=np.int64)
    negative = np.zeros(whole.shape, dtype=np.bool_)
    begun = np.zeros(whole.shape, dtype=np.bool_)  # a sign or digit has been seen
    good = text[..., -1] == ord(".")
    good &= (text[..., -2] - np.uint8(48)) < 10
    for place in range(whole.itemsize - 1):
        byte = text[..., place]
        digit = (byte - np.uint8(48)) < 10
        minus = byte == ord("-")
        good &= digit | (~begun & (minus | (byte == ord(" "))))
        number = np.where(digit, 10 * number + (byte.astype(np.int64) - 48), number)
        negative |= minus
        begun |= digit | minus
    total = (number * 10**8 + decimals) / 1e8
    np.copyto(values, np.where(negative, -total, total))
    return good
