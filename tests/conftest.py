"""What all tests share: each leaves the process as it found it."""

import os

import pytest
from hypothesis import settings

# property tests draw the same examples on every machine
settings.register_profile("same-everywhere", derandomize=True, deadline=None)
settings.load_profile("same-everywhere")


@pytest.fixture(autouse=True)
def environment():
    """Give back the environment as it was: libraries write into it, as custodian does.

    `monkeypatch` undoes its own changes only.
    """
    # a module's fixture may have run custodian, which writes when the batch job began
    os.environ.pop("CUSTODIAN_WALLTIME_START", None)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
