"""How a layer that was packed or mixed at random is brought to rest, as plain data.

`stages(layer)` names the steps in their order; whoever has an engine runs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ionface.structures.specs import AmorphousLayer, FilmLayer

LIGHT_TIMESTEP = 1.0  # fs; C-H stretches have periods of 11 fs
ROOM = 300.0  # K


@dataclass(frozen=True)
class Stage:
    """One step of a staged relaxation.

    Attributes:
        name: unique within the layer's stages.
        kind: relax to a force, or NVT dynamics.
        periodic: in all three directions (a bulk cell, before it is opened), or in the
            plane only.
        temperature: of dynamics, K.
        steps: at most, of the minimizer or of dynamics.
        timestep: of dynamics, fs.
        fmax: of a relaxation, eV/Å.
    """

    name: str
    kind: Literal["relax", "dynamics"]
    periodic: bool = False
    temperature: float | None = None
    steps: int = 200
    timestep: float | None = None
    fmax: float | None = None


def stages(layer: FilmLayer | AmorphousLayer) -> tuple[Stage, ...]:
    """Return the stages of a layer's relaxation, first to last.

    A film: forces first, then it moves at 600 K and at 300 K, then it comes to rest. An
    amorphous layer: mixed in the melt and quenched in five steps as a bulk cell; it is
    then opened (`amorphous.opened`) and comes to rest as a film.
    """
    if isinstance(layer, FilmLayer):
        return (
            Stage("soft", "relax", steps=100, fmax=0.5),
            _dynamics("anneal", 600.0, 1000, LIGHT_TIMESTEP),
            _dynamics("cool", ROOM, 1000, LIGHT_TIMESTEP),
            Stage("rest", "relax", steps=300, fmax=0.05),
        )
    return (
        Stage("soft", "relax", periodic=True, steps=50, fmax=1.0),
        _dynamics("melt", layer.melt, layer.melt_steps, _timestep(layer), True),
        *_quench(layer),
        Stage("rest", "relax", steps=200, fmax=0.05),
    )


def _dynamics(
    name: str, temperature: float, steps: int, timestep: float, periodic: bool = False
) -> Stage:
    return Stage(
        name,
        "dynamics",
        periodic=periodic,
        temperature=temperature,
        steps=steps,
        timestep=timestep,
    )


def _timestep(layer: AmorphousLayer) -> float:
    light = "H" in layer.amorphous
    return min(layer.timestep, LIGHT_TIMESTEP) if light else layer.timestep


def _quench(layer: AmorphousLayer, number: int = 5) -> tuple[Stage, ...]:
    """Return dynamics at temperatures from the melt down to 300 K, in equal steps."""
    if layer.melt <= ROOM:
        return (_dynamics("quench", ROOM, layer.quench_steps, _timestep(layer), True),)
    step = (layer.melt - ROOM) / number
    lengths = [layer.quench_steps // number] * number
    lengths[-1] += layer.quench_steps - sum(lengths)
    return tuple(
        _dynamics(
            f"quench-{k + 1}",
            ROOM if k + 1 == number else layer.melt - (k + 1) * step,
            lengths[k],
            _timestep(layer),
            True,
        )
        for k in range(number)
        if lengths[k]
    )
