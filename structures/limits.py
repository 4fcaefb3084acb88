"""What the numbers of an interface may be, wherever they are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

import numpy as np

from ionface.errors import StructureError
from ionface.structures.model import THIN_VACUUM
from ionface.structures.polymers.chains import MOST_UNITS
from ionface.structures.slabs.slab import MAX_LAYERS
from ionface.structures.specs import (
    AmorphousLayer,
    CrystalLayer,
    Doping,
    Exchange,
    FilmLayer,
    InterfaceSpec,
    Ordering,
    PolymerLayer,
    RegistryScan,
    SlabLayer,
    Spec,
)


@dataclass(frozen=True)
class Limit:
    """What one number may be.

    Attributes:
        low: the smallest that is accepted.
        high: the largest.
        unit: of both, after a space.
        way: what is usual, or what to do instead.
    """

    low: float
    high: float
    unit: str = ""
    way: str = ""


_FIXED = Limit(0, MAX_LAYERS)
_THICKNESS = Limit(0.1, 1000.0, " Å", "10 to 20 are usual")
_UNITS = Limit(1, MOST_UNITS, way="write it as one SMILES, or take a shorter chain")
_ORDERINGS = {
    "orderings": Limit(1, 100_000, way="10 is usual"),
    "rank": Limit(0, 100_000, way="0 has the lowest energy"),
    "seed": Limit(0, 2**32 - 1),
    "ensemble": Limit(1, 1000, way="1 is a single ordering"),
}

LIMITS: Mapping[type[Spec], Mapping[str, Limit]] = {
    InterfaceSpec: {
        # beyond 15 % linear elasticity, and with it the ranking, means nothing
        "max_strain": Limit(0.0, 0.15, way="0.05 is 5 %"),
        # thousands of atoms
        "max_area": Limit(1.0, 5000.0, " Å²", "250 is usual"),
        "min_area": Limit(0.0, 5000.0, " Å²", "0 takes the smallest match"),
        # plane waves pay for every one of them
        "vacuum": Limit(0.0, 100.0, " Å", "20 is usual, and 0 makes a sandwich"),
        # atoms overlap below, sides do not meet above
        "gap": Limit(0.5, 30.0, " Å", "2 to 3 are usual; without it, it is found"),
        "match": Limit(0, 10**6, way="or smallest, or least-strain"),
        "stiffness": Limit(0.1, 2000.0, " GPa", "give Young's or bulk moduli"),
        "mobile": Limit(0.1, 1000.0, " Å", "3 to 5 are usual; or give all, or film"),
    },
    CrystalLayer: {
        "layers": Limit(1, MAX_LAYERS, way="or give thickness, Å"),
        "thickness": _THICKNESS,
        "fixed_layers": _FIXED,
        "deeper": _FIXED,
    },
    SlabLayer: {"fixed_layers": _FIXED},
    PolymerLayer: {
        "units": _UNITS,
        "clearance": Limit(0.0, 50.0, " Å", "2.5 is usual"),
    },
    FilmLayer: {
        "units": _UNITS,
        "chains": Limit(1, 10_000, way="or give thickness, Å"),
        "thickness": _THICKNESS,
        "density": Limit(0.1, 5.0, " g/cm³", "polymers have 0.8 to 2.2"),
    },
    AmorphousLayer: {
        "density": Limit(0.1, 25.0, " g/cm³", "lithium has 0.5, tungsten 19"),
        "thickness": _THICKNESS,
        "melt": Limit(1.0, 20_000.0, " K", "1000 is usual"),
        "melt_steps": Limit(0, 10**9),
        "quench_steps": Limit(0, 10**9),
        "timestep": Limit(0.05, 10.0, " fs", "2 is usual"),
    },
    RegistryScan: {
        "spacing": Limit(0.01, 20.0, " Å", "0.8 is usual"),
        "gaps": Limit(-5.0, 20.0, " Å", "they count from the gap where atoms touch"),
    },
    Doping: {"x": Limit(0.0, 100.0, way="dopants per formula unit"), **_ORDERINGS},
    Exchange: {"fraction": Limit(0.0, 1.0), **_ORDERINGS},
    Ordering: {"supercell": Limit(1, 100), **_ORDERINGS},
}


def check_limits(where: str, **values: float | None) -> None:
    """Refuse numbers of an interface that nothing can be built with.

    Args:
        where: they are, for the message.
        values: by their names in `InterfaceSpec`; None is left to the builder.

    Raises:
        StructureError: one is none, or beyond its limits.
    """
    for key, value in values.items():
        _check(where, key, value, LIMITS[InterfaceSpec][key])


def check_spec(where: str, spec: Spec) -> None:
    """Refuse a layer, scan or interface with a number beyond its limits.

    Args:
        where: it is, for the message.
        spec: with all that it holds.

    Raises:
        StructureError: says which number, what it may be, and what is usual.
    """
    for key, limit in LIMITS.get(type(spec), {}).items():
        for value in _numbers(getattr(spec, key)):
            _check(where, key, value, limit)
    if isinstance(spec, CrystalLayer) and (spec.layers is None) == (
        spec.thickness is None
    ):
        number = "neither" if spec.layers is None else "both"
        raise StructureError(
            f"{where}: give either layers or thickness (Å), not {number}"
        )
    if isinstance(spec, RegistryScan) and not spec.gaps:
        raise StructureError(
            f"{where}: gaps=[] must hold one number at least, Å from the gap where "
            "atoms touch; leave it out for five of them"
        )
    for own in fields(spec):  # type: ignore[arg-type]
        if isinstance(held := getattr(spec, own.name), Spec):
            check_spec(f"{where}: {own.name}", held)


def check_numbers(spec: InterfaceSpec) -> None:
    """Refuse an interface with numbers that do not go, alone or together.

    Raises:
        StructureError: says which.
    """
    check_spec(spec.name, spec)
    if 0 < spec.vacuum < THIN_VACUUM:
        raise StructureError(
            f"{spec.name}: vacuum={spec.vacuum} Å is too thin to separate the slabs; "
            f"give 0 for a sandwich of two interfaces, or at least {THIN_VACUUM:g} "
            "(20 is usual)"
        )
    if spec.vacuum and spec.relaxed_cell in ("normal", "full"):
        raise StructureError(
            f"{spec.name}: cell={spec.cell!r} would let vacuum={spec.vacuum:g} Å "
            "collapse; take 'in-plane' or 'fixed', or vacuum: 0 for a sandwich"
        )
    if spec.min_area > spec.max_area:
        raise StructureError(
            f"{spec.name}: min_area={spec.min_area:g} is above "
            f"max_area={spec.max_area:g} Å²; raise max_area or lower min_area"
        )
    if not np.isfinite(spec.registry).all():
        raise StructureError(f"{spec.name}: registry={spec.registry} must be finite")


def _numbers(value: Any) -> Iterator[Any]:
    """Yield the numbers that one key holds; words among them are chosen otherwise."""
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, tuple | list):
        yield from value
    elif not isinstance(value, str):
        yield value


def _check(where: str, key: str, value: Any, limit: Limit) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, Real):
        raise StructureError(f"{where}: {key}={value!r:.60} must be a number")
    if not limit.low <= float(value) <= limit.high:
        raise StructureError(
            f"{where}: {key}={value}{limit.unit} must lie between {limit.low:g} and "
            f"{limit.high:g}{f'; {limit.way}' if limit.way else ''}"
        )
