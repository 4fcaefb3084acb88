"""A first study of two materials: commented YAML that is known to build.

`written(answers, folder)` makes the model on the way: the matches of two crystals
decide how large the cell and how strained the film must be.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from ionface.errors import IonfaceError, StructureError
from ionface.structures.crystals.library import read_crystal
from ionface.structures.elements import layer_elements
from ionface.structures.interface import build_interface
from ionface.structures.model import InterfaceModel
from ionface.structures.specs import (
    CrystalLayer,
    InterfaceSpec,
    Layer,
    PolymerLayer,
)
from ionface.workflows.study.file_names import slug

# a small cell first: a step of dynamics costs as much as its atoms
TRIED = ((0.03, 60.0), (0.03, 100.0), (0.05, 100.0), (0.05, 200.0), (0.08, 300.0))
"""Largest strain and area (Å²) of a match, from the cheapest to the last resort."""

EXTRA_STRAIN = 0.03
"""Strain beyond that of the published lattices: `run` relaxes both crystals first, and
semilocal functionals and potentials trained on them miss a lattice by up to 1.5 %."""

MOST_PAIRS = 4  # whose RDFs are drawn beside one another
UNITS = 4  # of a chain: long enough to lie flat, short enough for a first look


@dataclass(frozen=True)
class Answers:
    """What somebody says of a first study.

    Attributes:
        film: name of the crystal library, CIF or POSCAR, or SMILES of a repeat unit
            with two open ends, as in "[*]CCO[*]".
        substrate: a crystal.
        film_facet: Miller indices; chosen by the crystal's symmetry if not given.
        substrate_facet: likewise.
        thickness: of each slab, at least, Å.
        engine: its name.
        picoseconds: of dynamics; 0 for formation energies alone.
        temperature: K.
        pairs: whose RDFs are followed, as in "Li-F"; across the interface if not given.
        name: of the study; made of both layers' if not given.
    """

    film: str
    substrate: str
    film_facet: tuple[int, ...] | None = None
    substrate_facet: tuple[int, ...] | None = None
    thickness: float = 8.0
    engine: str = "sevennet"
    picoseconds: float = 0.0
    temperature: float = 300.0
    pairs: tuple[str, ...] = ()
    name: str | None = None


def written(answers: Answers, folder: Path) -> tuple[str, InterfaceModel]:
    """Return the YAML of a study and the model that it builds.

    Args:
        answers: paths are those of this directory.
        folder: where the study will be kept; its paths are relative to it.

    Raises:
        StructureError: a layer cannot be made, or no match is within 8 % and 300 Å².
        IonfaceError: an answer makes no sense.
    """
    spec, model = _that_builds(_interface(answers))
    return _text(answers, spec, model, folder), model


def _interface(answers: Answers) -> InterfaceSpec:
    substrate = _crystal(answers.substrate, answers.substrate_facet, answers.thickness)
    film: CrystalLayer | PolymerLayer
    if "*" in answers.film:
        film = PolymerLayer(answers.film, units=UNITS)
    else:
        film = _crystal(answers.film, answers.film_facet, answers.thickness)
    if film.phase == substrate.phase:
        film = replace(film, name=f"{film.phase} film")
    return InterfaceSpec(f"{film.phase}|{substrate.phase}", film, substrate)


def _crystal(
    material: str, facet: tuple[int, ...] | None, thickness: float
) -> CrystalLayer:
    crystal = read_crystal(material)
    if facet is None:  # the plane across the one axis that differs, where there is one
        facet = (1, 0, 0) if _is_cubic(crystal.lattice.abc) else (0, 0, 1)
    if len(facet) not in (3, 4):
        raise IonfaceError(
            f"facet {facet} of {material} is no plane; give three or four indices, as "
            "in 1,0,0"
        )
    name = Path(material).stem if Path(material).is_file() else None
    return CrystalLayer(material, facet, thickness=thickness, name=name)  # type: ignore[arg-type]


def _is_cubic(lengths: tuple[float, float, float]) -> bool:
    return max(lengths) - min(lengths) < 0.01 * max(lengths)


def _that_builds(spec: InterfaceSpec) -> tuple[InterfaceSpec, InterfaceModel]:
    """Return the interface with the smallest limits within which it can be built."""
    refusal: StructureError | None = None
    for strain, area in TRIED:
        tried = replace(spec, max_strain=strain, max_area=area)
        try:
            return tried, build_interface(tried)
        except StructureError as error:
            refusal = error
    assert refusal is not None
    raise refusal


# --- the text -------------------------------------------------------------------------


def _text(
    answers: Answers, spec: InterfaceSpec, model: InterfaceModel, folder: Path
) -> str:
    name = answers.name or slug(spec.name.replace("|", "-")).lower()
    lines = [
        f"# {spec.name}: {len(model.structure)} atoms on {model.area:.0f} Å², strained "
        f"by {100 * model.max_strain:.1f} %.",
        f"# Look at it:   ionface build {name}.yaml --out models",
        f"# How long:     ionface plan {name}.yaml",
        f"# Run, resume:  ionface run {name}.yaml --project {name}",
        f"name: {_word(name)}",
        f"engine: {_word(answers.engine)}   # {{formation: ..., dynamics: ...}}",
        "lattice: engine      # relaxes each bulk crystal; or literature, as it is",
        "interfaces:",
        f"  - name: {_word(spec.name)}",
        *_layer("film", spec.film, folder),
        *_layer("substrate", spec.substrate, folder),
        "    strained: film      # film, substrate or shared",
        f"    max_strain: {_allowed(spec, model):<7g} # 0.05 is 5 %; least wins",
        f"    max_area: {spec.max_area:<9g} # Å²; a larger cell can be strained less",
        "    vacuum: 20          # Å; 0 makes a sandwich with two interfaces",
        *_dynamics(answers, spec),
    ]
    return "\n".join(lines) + "\n"


def _allowed(spec: InterfaceSpec, model: InterfaceModel) -> float:
    """Return the strain to allow, so that it builds with relaxed lattices, too."""
    return max(spec.max_strain, round(model.max_strain + EXTRA_STRAIN, 2))


def _layer(key: str, layer: Layer, folder: Path) -> Iterator[str]:
    yield f"    {key}:"
    if isinstance(layer, PolymerLayer):
        yield f"      polymer: {_word(layer.polymer)}   # SMILES of the repeat unit"
        yield f"      units: {layer.units}"
        return
    assert isinstance(layer, CrystalLayer)
    yield f"      material: {_word(_path_from(str(layer.material), folder))}"
    if layer.name:
        yield f"      name: {_word(layer.name)}"
    yield f"      miller: {list(layer.miller)}   # of the conventional cell"
    yield f"      thickness: {layer.thickness:g}        # Å, at least; or layers: 4"
    yield "      termination: 0      # ionface build --terminations lists all cuts"


def _dynamics(answers: Answers, spec: InterfaceSpec) -> Iterator[str]:
    if not answers.picoseconds:
        yield "# Dynamics, with RDFs of these pairs:"
        yield "# dynamics:"
    lines = [*_run(answers, spec)]
    comment = "" if answers.picoseconds else "# "
    yield from ([] if comment else ["dynamics:"])
    yield from (comment + line for line in lines)


def _run(answers: Answers, spec: InterfaceSpec) -> Iterator[str]:
    timestep = 1.0 if "H" in layer_elements(spec.film) else 2.0
    steps = round(1000 * (answers.picoseconds or 1.0) / timestep)
    pairs = answers.pairs or _pairs_across(spec)
    yield f"  - interface: {_word(spec.name)}"
    yield f"    steps: {steps}"
    yield f"    timestep: {timestep:g}         # fs; 1 with hydrogen"
    yield f"    temperature: {answers.temperature:g}    # K"
    yield f"    pairs: [{', '.join(pairs)}]"


def _pairs_across(spec: InterfaceSpec) -> tuple[str, ...]:
    """Return pairs of an element of each side, those first that neither side has."""
    film, substrate = (layer_elements(side) for side in (spec.film, spec.substrate))
    pairs = {tuple(sorted((a, b))) for a in film for b in substrate if a != b}
    known = [pair for pair in pairs if {*pair} <= film or {*pair} <= substrate]
    ranked = sorted(pairs, key=lambda pair: (pair in known, pair))
    both = [(element, element) for element in sorted(film & substrate)]
    return tuple("-".join(pair) for pair in (ranked or both)[:MOST_PAIRS])


def _path_from(material: str, folder: Path) -> str:
    path = Path(material)
    return os.path.relpath(path, folder) if path.is_file() else material


def _word(text: str) -> str:
    """Return a word as YAML reads it back, quoted where it must be."""
    shown: str = yaml.safe_dump(text, allow_unicode=True, width=10_000)
    return shown.removesuffix("\n").removesuffix("\n...")
