"""Nothing but our own classes and functions is decoded."""

import json

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.projects.documents import check_decodable

OURS = {"@module": "ionface.workflows.flows.jobs", "@callable": "build"}
CELL = {"@module": "pymatgen.core.lattice", "@class": "Lattice"}


def test_what_ionface_writes_is_decoded():
    check_decodable(json.dumps({"jobs": [{"function": OURS, "args": [CELL]}]}), "x")
    check_decodable(json.dumps(OURS) + "\n" + json.dumps(CELL) + "\n", "x")


@pytest.mark.parametrize(
    "document",
    [
        {"@module": "os", "@callable": "system"},
        {"@module": "numpy.testing", "@callable": "runstring"},
        {"@module": "this", "@class": "Zen"},
        {"deep": [[{"inner": {"@module": "subprocess", "@class": "Popen"}}]]},
    ],
)
def test_foreign_code_is_refused_by_name(document):
    with pytest.raises(IonfaceError, match="none of ionface's own"):
        check_decodable(json.dumps(document), "flow.json")


def test_what_is_no_json_is_called_damaged():
    with pytest.raises(IonfaceError, match="is damaged"):
        check_decodable('{"a": ', "flow.json")
