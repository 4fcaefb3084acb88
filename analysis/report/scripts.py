"""The scripts and data of a report, and the policy that keeps it from asking anyone.

Scripts are our own files, allowed by their hashes; nothing else may run, and nothing
may be loaded from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

VIEWER = "vendor/3Dmol-min.js"
"""3Dmol.js 2.5.5, BSD-3-Clause, see vendor/3Dmol-LICENSE.txt."""

OWN = "report.js"


@cache
def text_of(name: str) -> str:
    """Return a file of this package."""
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def script(name: str) -> str:
    """Return a script as an element."""
    return f"<script>{text_of(name)}</script>"


def data_block(name: str, value: Any) -> str:
    """Return plain data as an element that no browser runs."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    # what could end the element, or begin a comment in it
    text = text.replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>'


def policy(scripts: Iterable[str]) -> str:
    """Return the <meta> that allows these scripts, images inside, and nothing else."""
    hashes = " ".join(map(_hash, scripts)) or "'none'"
    return (
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        f"script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'\">"
    )


def _hash(name: str) -> str:
    digest = hashlib.sha256(text_of(name).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
