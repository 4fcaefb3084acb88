"""The examples in the docstrings of the public functions run and say what is true."""

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize(
    "name",
    ["interface", "model", "specs", "matching.search", "slabs.crystal_layer"],
)
def test_examples_run(name):
    results = doctest.testmod(import_module(f"ionface.structures.{name}"))
    assert results.attempted
    assert not results.failed
