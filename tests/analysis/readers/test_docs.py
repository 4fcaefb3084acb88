"""docs/reading.md names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_rule_has_a_test_that_exists():
    text = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
    named = re.findall(r"\| (\d+)? ?[^|]*\| `(tests/\S+)::(test_\w+)` \|", text)
    assert {int(rule) for rule, _, _ in named if rule} == set(range(1, 14))
    for _, file, name in named:
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), name
