"""The potentials that have a name: what potentials.yaml knows of them, as engines.

`pretrained(name)` makes the engine of the weights that a package carries,
`pretrained(name, weights=...)` that of a user's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import yaml
from pymatgen.core import Element

from ionface.errors import IonfaceError, NotInstalledError
from ionface.workflows.engines.ase.ase_engine import AseEngine
from ionface.workflows.engines.ase.potential import Potential

Scale = Literal["raw PBE", "MP-corrected", "r2SCAN", "unknown"]

SCALES: Mapping[Scale, str] = {
    "raw PBE": "its totals are on the raw PBE scale and may stand beside VASP's",
    "MP-corrected": "its totals carry Materials Project corrections and may not stand "
    "beside plain PBE ones",
    "r2SCAN": "its totals are r2SCAN's and may not stand beside PBE ones",
    "unknown": "what its totals may be compared with is not known",
}
"""What each scale of energies means, in words that follow a name."""

LEARNED = ", learned "
"""Between a model's name and the hash of weights that were fine-tuned from it."""

OWN = ", own weights"
"""Behind the name of a potential whose weights are a user's own."""

NO_RESULTS = "it is made for pre-equilibration alone, and its numbers are no results"

MPTRJ = tuple(Element.from_Z(z).symbol for z in range(1, 95) if z not in range(84, 89))
"""Elements of the MPtrj data (Po, At, Rn, Fr and Ra are missing), which SevenNet and
CHGNet were trained on; doi:10.1038/s42256-023-00716-3."""


@dataclass(frozen=True)
class Facts:
    """What is known of a potential, as potentials.yaml says it.

    Attributes:
        calculator: import path.
        package: that must be installed.
        install: how.
        model: its name within the package.
        functional: of the data it was trained on, in words.
        scale: of its energies.
        licence: of code and weights.
        source: publication.
        arguments: of the calculator.
        weights: file within the package; None where users have their own.
        takes: argument of the calculator that names a file of weights.
        device: argument that names the device.
        elements: "MPtrj"; None where that is not known.
        use: for results, or for pre-equilibration alone.
    """

    calculator: str
    package: str
    install: str
    model: str
    functional: str
    scale: Scale
    licence: str
    source: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    takes: str | None = None
    device: str | None = None
    elements: Literal["MPtrj"] | None = None
    use: Literal["results", "pre-equilibration"] = "results"


@lru_cache(maxsize=1)
def potentials() -> Mapping[str, Facts]:
    """Return what is known of every potential that has a name."""
    text = (files("ionface.workflows.engines.ase") / "potentials.yaml").read_text()
    return {name: Facts(**told) for name, told in yaml.safe_load(text).items()}


def facts_of_level(level: Mapping[str, Any]) -> Facts | None:
    """Return what is known of the potential that a level of theory names.

    None of a first-principles code, of unknown calculators, and of a user's own weights
    in the place of those that a package carries.
    """
    model = str(level.get("model")).partition(LEARNED)[0]
    for name, facts in potentials().items():
        if (model, level.get("functional")) == (facts.model, facts.functional):
            return facts
        if facts.weights is None and model.startswith(f"{name}{OWN}"):
            return facts
    return None


def said_of_level(level: Mapping[str, Any]) -> str:
    """Return what must be said of numbers by a potential, in one sentence.

    Args:
        level: of theory, as plain data, with the hash of its weights.
    """
    facts = facts_of_level(level)
    name = level.get("model") or level["code"]
    said = [SCALES[facts.scale if facts else "unknown"]]
    if facts and facts.use != "results":
        said.append(NO_RESULTS)
    return f"{name}: {'; '.join(said)}."


def pretrained(
    name: str,
    weights: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    functional: str | None = None,
) -> AseEngine:
    """Return a named potential as an engine.

    Args:
        name: in potentials.yaml.
        weights: file of a user's own; those of the package if not given.
        arguments: of the calculator, besides those of the table, as a modal.
        functional: of the data that own weights were trained on.

    Raises:
        NotInstalledError: its package is missing.
        IonfaceError: the weights are.
    """
    facts = potentials()[name]
    _check_installed(name, facts)
    given = {**facts.arguments, **(arguments or {})}
    model, elements = facts.model, MPTRJ if facts.elements else None
    if weights is None:
        weights = _carried(name, facts)
    else:
        # nothing that the table says of a package's weights holds of a user's own
        replaced = facts.weights is not None
        weights, model = _own(name, facts, weights), f"{name}{OWN}"
        given = {**(arguments or {}), str(facts.takes): weights}
        elements = None
        functional = functional or ("unspecified" if replaced else facts.functional)
    if arguments:
        model += "".join(f", {key} {value}" for key, value in sorted(arguments.items()))
    return AseEngine(
        Potential(
            name=name,
            calculator=facts.calculator,
            arguments=given,
            functional=functional or facts.functional,
            model=model,
            weights=weights,
            elements=elements,
            device=facts.device,
        )
    )


def are_one(first: Potential, second: Potential) -> bool:
    """Tell whether two potentials give the same energies, whatever they are called.

    The class of a calculator can be imported from several places, and its weights go
    by a name or by a file; a modal chooses among the energies of one file.
    """
    if first.calculator.rpartition(".")[2] != second.calculator.rpartition(".")[2]:
        return False
    if first.arguments == second.arguments:
        return True
    weights = [each.level_of_theory().weights for each in (first, second)]
    naming = {facts.takes for facts in potentials().values()}
    settings = [
        {key: value for key, value in each.arguments.items() if key not in naming}
        for each in (first, second)
    ]
    return (
        None not in weights and weights[0] == weights[1] and settings[0] == settings[1]
    )


sevennet = partial(pretrained, "sevennet")
sevennet_l3i5 = partial(pretrained, "sevennet-l3i5")
sevennet_mf = partial(pretrained, "sevennet-mf")
chgnet = partial(pretrained, "chgnet")
nep89 = partial(pretrained, "nep89")
mace = partial(pretrained, "mace")
mattersim = partial(pretrained, "mattersim")
orb = partial(pretrained, "orb")


def _check_installed(name: str, facts: Facts) -> None:
    """Look for the package without importing it, which would load torch."""
    needed = [facts.package] if name == "nep89" else [facts.package, "torch"]
    if missing := [package for package in needed if find_spec(package) is None]:
        raise NotInstalledError(
            f"engine {name!r} needs the package {missing[0]!r}, which is not installed "
            f"here; install it with: {facts.install}"
        )


def _carried(name: str, facts: Facts) -> str:
    """Return the path of the weights that an installed package carries."""
    if facts.weights is None:
        raise IonfaceError(
            f"engine {name!r} comes without weights; name your own, as in engine: "
            f"{{name: {name}, weights: path}} or engine={name}:path"
        )
    spec = find_spec(facts.package)
    assert spec is not None
    folder = Path(str(spec.origin)).parent
    if not (found := sorted(folder.glob(facts.weights))):
        raise IonfaceError(
            f"the weights {folder / facts.weights} are not in the installed package; "
            f"reinstall it with: {facts.install} --force-reinstall"
        )
    return str(found[0])


def _own(name: str, facts: Facts, weights: str) -> str:
    """Return the path of a user's own weights."""
    if facts.takes is None:
        able = [key for key, one in potentials().items() if one.takes]
        raise IonfaceError(
            f"engine {name!r} takes no weights of your own; these do: {able}"
        )
    if not Path(weights).is_file():
        raise IonfaceError(
            f"no file {weights!r} with the weights of engine {name!r}; give the path "
            "of one, absolute or relative to the study file"
        )
    return str(Path(weights).resolve())
