"""`ionface analyze hull`, `window` and `contact`."""

import json
from pathlib import Path

import pytest

SEVENNET = Path(__file__).parents[2] / "data" / "phases_sevennet0.json"


def test_a_hull_tells_plateaus(cli, tmp_path):
    done = cli("analyze", "hull", SEVENNET, "--system", "Li-Sn", "--out", "h.json")
    assert done.returncode == 0, done.stderr
    assert all((tmp_path / f"h{suffix}").is_file() for suffix in (".csv", ".png"))
    found = json.loads((tmp_path / "h.json").read_text())
    rich = [plateau["rich"] for plateau in found["plateaus"]]
    assert (rich[0], rich[-1]) == ("Li2Sn5", "Li17Sn4")


def test_what_is_missing_and_where_energies_fail_is_said(cli):
    done = cli("analyze", "hull", SEVENNET, "--system", "Li-Zn")
    assert "LiZn4 (first plateau of Li-Zn)" in done.stdout
    assert "PBE binds LiZn too strongly" in done.stdout


def test_windows_of_several_compounds(cli):
    done = cli(
        "analyze", "window", SEVENNET, "--of", "Li6PS5Cl", "--of", "Li3PS4_beta",
        "--beside", SEVENNET, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)["windows"]
    assert first["compound"] == "Li6PS5Cl"
    assert first["oxidation_v"] == pytest.approx(1.966, abs=0.002)
    assert len(second["spread"]) == 3  # raw, corrected, and the other engine


def test_contacts_of_several_pairs(cli):
    done = cli(
        "analyze", "contact", SEVENNET, "--between", "Li6PS5Cl:Li",
        "--between", "Li6PS5Cl:LiIn", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = [c["between"] for c in json.loads(done.stdout)["contacts"]]
    assert names == [["Li6PS5Cl", "Li"], ["Li6PS5Cl", "LiIn"]]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("contact", "--between", "Li6PS5Cl"), "write them as Li6PS5Cl:LiIn"),
        (("contact", "--between", "Li6PS5Cl:Au"), "'Au' is not among the phases"),
        (("window", "--of", "LiBr"), "'LiBr' is not among the phases"),
        (("window", "--of", "Li2S", "--against", "N"), "no reference for N"),
        (("hull", "--exclude", "LiBr"), "'LiBr' is not among the phases"),
        (("hull", "--system", "Li-Xx"), "'Xx' is no element"),
        (("hull", "--out", "x.png"), "names the JSON file"),
    ],
)
def test_mistakes_are_one_sentence(cli, words, told):
    command, *rest = words
    done = cli("analyze", command, SEVENNET, *rest)
    assert done.returncode == 1
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3


def test_a_file_that_is_not_there(cli):
    done = cli("analyze", "hull", "nowhere.json")
    assert done.returncode == 1
    assert "nowhere.json does not exist" in done.stderr
