"""The command line in this process: errors come as they are raised."""

import csv
import json

import pytest
from typer.testing import CliRunner

from ionface.workflows.cli import app


class Analyzed:
    """What `ionface analyze NAME` printed and wrote."""

    def __init__(self, ran, out):
        self.stdout, self.stderr, self.out = ran.stdout, ran.stderr, out
        self.status = ran.exit_code

    @property
    def data(self):
        return json.loads(self.out.read_text())

    @property
    def rows(self):
        with self.out.with_suffix(".csv").open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    @property
    def picture(self):
        return self.out.with_suffix(".png").read_bytes()


@pytest.fixture
def analyze(tmp_path):
    """Return a function that runs `ionface analyze` and returns what came of it."""

    def run(name, *words, out=None):
        out = out or tmp_path / f"{name}.json"
        words = ["analyze", name, *map(str, words)]
        if name not in ("outputs", "energies"):
            words += ["--out", str(out)]
        return Analyzed(CliRunner().invoke(app, words, catch_exceptions=False), out)

    return run
