"""What other packages add may be broken, and says whose it is."""

from importlib.metadata import EntryPoint

import pytest

from ionface.errors import IonfaceError
from ionface.plugins import loaded


def test_an_entry_point_is_what_it_names():
    assert loaded(EntryPoint("join", "posixpath:join", "ionface.engines"))("a", "b")


@pytest.mark.parametrize("value", ["no_such_module", "posixpath:no_such_name"])
def test_a_broken_entry_point_is_told_by_name(value):
    entry = EntryPoint("springs", value, "ionface.engines")
    with pytest.raises(IonfaceError, match=r"adds 'springs' to ionface.engines, which"):
        loaded(entry)
