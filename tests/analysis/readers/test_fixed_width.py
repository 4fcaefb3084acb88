import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionface.analysis.readers.fixed_width import (
    decode_blocks,
    decode_labels,
    row_layout,
)

XDATCAR = " {:12.8f}{:12.8f}{:12.8f}\n"
VASPRUN = "    <v> {:16.8f} {:16.8f} {:16.8f} </v>\n"


def decode(text, form, rows):
    size = len(form.format(0, 0, 0))
    layout = row_layout(text[:size])
    raw = np.frombuffer(text, np.uint8)
    stride = rows * size
    shape = (len(text) // stride, rows)
    return decode_blocks(raw, 0, stride, shape, layout)


@pytest.mark.parametrize("form", [XDATCAR, VASPRUN])
@given(
    st.lists(
        st.tuples(*[st.integers(-999_999_999, 9_999_999_999)] * 3),
        min_size=1,
        max_size=9,
    )
)
def test_every_number_is_the_one_that_python_reads(form, numbers):
    text = "".join(form.format(*(n / 1e8 for n in row)) for row in numbers).encode()
    values, good = decode(text, form, 1)
    assert good == len(numbers)
    expected = [
        [float(word) for word in row.replace("<v>", "").replace("</v>", "").split()]
        for row in text.decode().replace("-", " -").splitlines()
    ]
    np.testing.assert_array_equal(values[:, 0], expected)
    assert (np.signbit(values[:, 0]) == np.signbit(expected)).all()


def test_columns_that_touch_are_told_apart():
    text = XDATCAR.format(0.5, -10.25, -10.125).encode() * 2
    assert b"0.50000000-10.25000000-10.12500000" in text
    values, good = decode(text, XDATCAR, 2)
    assert good == 1
    assert values[0, 1].tolist() == [0.5, -10.25, -10.125]


@pytest.mark.parametrize("form", [XDATCAR, VASPRUN])
def test_any_byte_that_vasp_would_not_print_there_is_noticed(form):
    whole = form.format(0.25, 12.5, -0.75).encode() * 4
    size = len(whole) // 4
    for place in range(2 * size, 3 * size):
        for byte in b"x*e+_\t\0\xff":
            damaged = bytearray(whole)
            damaged[place] = byte
            assert decode(bytes(damaged), form, 1)[1] == 2, (place, byte)
        for byte in b" -.":  # legal in front of a number only
            damaged = bytearray(whole)
            damaged[place] = byte
            values, good = decode(bytes(damaged), form, 1)
            text = bytes(damaged[2 * size : 3 * size]).decode()
            if good > 2:
                bare = text.replace("<v>", "").replace("</v>", "")
                words = bare.replace("-", " -").split()
                assert values[2, 0].tolist() == [float(word) for word in words]


def test_a_good_block_behind_a_bad_one_is_not_taken():
    row = XDATCAR.format(0.25, 0.5, 0.75)
    text = (row * 4 + row.replace("0.5", "0.x") + row * 3).encode()
    values, good = decode(text, XDATCAR, 2)
    assert good == 2
    assert (values[:2] == [0.25, 0.5, 0.75]).all()


@pytest.mark.parametrize(
    "row",
    [
        b"0.1 0.2 0.3\n",
        b"  0.1000000  0.2000000  0.3000000\n",
        b"   0.10000000  0.20000000   0.30000000\n",
        b"   0.10000000  0.20000000\n",
        b"   0.10000000  0.20000000  0.30000000",
        b"0.10000000 0.20000000 0.30000000\n",
        b"",
    ],
)
def test_other_layouts_are_left_to_others(row):
    assert row_layout(row) is None


@pytest.mark.parametrize(
    "last", ["     9", "999999", "******", "1 2   ", "   x  ", "      "]
)
def test_labels_are_read_until_one_is_none(last):
    lines = [f"Direct configuration={n:6d}\n" for n in (7, 8)]
    text = "".join([*lines, f"Direct configuration={last}\n", *lines]).encode()
    found = decode_labels(np.frombuffer(text, np.uint8), 28, 5, 28).tolist()
    right = {"     9": [9, 7, 8], "999999": [999999, 7, 8], "******": [-1, 7, 8]}
    assert found == [7, 8, *right.get(last, [])]
