"""Studies that differ from one in a single setting, to see whether it is converged.

Each setting is tried at the study's own value and at two that cost more; an energy is
converged where they agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ionface.errors import IonfaceError
from ionface.structures.crystals.library import read_crystal
from ionface.structures.slabs.plane_lattice import facet_frame
from ionface.structures.specs import CrystalLayer, InterfaceSpec
from ionface.workflows.study.protocols import protocol
from ionface.workflows.study.study import Study

SPACING = 0.2  # Å⁻¹; where a study names none, meshes begin at the finer of both rules
PLANE_WAVES = ("k", "encut")
BASE = "as it is"
_NOTHING_ELSE: dict[str, Any] = dict.fromkeys(
    ("dynamics", "references", "phases", "deposition", "surfaces"), ()
)


@dataclass(frozen=True)
class Variant:
    """A study with one setting changed.

    Attributes:
        setting: "k", "encut", "layers" or "vacuum".
        value: of the setting, in words.
        study: energies alone.
    """

    setting: str
    value: str
    study: Study

    @property
    def folder(self) -> str:
        """Return the name of its project; the study as it is has one for all."""
        return "base" if self.value == BASE else f"{self.setting}-{self.value}"


def variants(
    study: Study, settings: Sequence[str], *, plane_waves: bool
) -> list[Variant]:
    """Return the studies to run, for each setting the study as it is first.

    Args:
        study: whose formation energies are asked for.
        settings: some of "k", "encut", "layers", "vacuum".
        plane_waves: the engine of the energies has k-points and a cutoff.

    Raises:
        IonfaceError: a setting is unknown, or the engine or the study has none of it.
    """
    if not study.formation_names:
        raise IonfaceError(
            f"{study.name} computes no formation energy; there is nothing to converge"
        )
    base = replace(
        study, published=(), spot_checks=None, chemical_potentials={}, **_NOTHING_ELSE
    )
    found = []
    for setting in settings:
        if setting not in _VARIED:
            raise IonfaceError(f"settings={setting}: have {', '.join(_VARIED)}")
        if setting in PLANE_WAVES and not plane_waves:
            raise IonfaceError(
                f"settings={setting}: the engine of the energies has neither "
                "k-points nor a cutoff; give layers or vacuum, or engine=vasp"
            )
        found.append(Variant(setting, BASE, base))
        made = [Variant(setting, *made) for made in _VARIED[setting](base)]
        if not made:
            raise IonfaceError(
                f"settings={setting}: no interface of {study.name} has it; leave it out"
            )
        found += made
    return found


def _k(study: Study) -> Iterator[tuple[str, Study]]:
    """Yield studies with 1.5 and 2 times as many k-points along a vector."""
    spacing = study.vasp.k_spacing or SPACING
    for factor in (1.5, 2.0):
        finer = round(spacing / factor, 4)
        yield f"{finer:g}", replace(study, vasp=replace(study.vasp, k_spacing=finer))


def _encut(study: Study) -> Iterator[tuple[str, Study]]:
    """Yield studies with a cutoff 15 and 30 % higher."""
    own = study.vasp.incar.get("ENCUT", protocol(study.protocol).cutoff)
    for factor in (1.15, 1.3):
        cutoff = round(float(own) * factor)
        incar = {**study.vasp.incar, "ENCUT": cutoff}
        yield f"{cutoff}", replace(study, vasp=replace(study.vasp, incar=incar))


def _layers(study: Study) -> Iterator[tuple[str, Study]]:
    """Yield studies whose crystalline layers are 1.5 and 2 times as thick.

    They grow away from the interface: what meets there is the same at any thickness.
    """
    for more, factor in enumerate((1.5, 2.0), 1):
        specs = tuple(
            replace(
                spec,
                film=_thicker(spec.film, factor, more),
                substrate=_thicker(spec.substrate, factor, more),
            )
            for spec in study.interfaces
        )
        if specs != study.interfaces:
            yield f"x{factor:g}", replace(study, interfaces=specs)


def _thicker(layer: Any, factor: float, more: int) -> Any:
    """Return a crystal's layer thicker by a factor, by so many layers at least."""
    if not isinstance(layer, CrystalLayer):
        return layer
    layers = float(layer.layers or 0)
    if layer.layers is None:
        crystal = read_crystal(layer.material, layer.lengths)
        layers = (layer.thickness or 10.0) / facet_frame(crystal, layer.miller).spacing
    further = max(more, round(layers * factor) - round(layers))
    return replace(layer, deeper=(layer.deeper or 0) + further)


def _vacuum(study: Study) -> Iterator[tuple[str, Study]]:
    """Yield studies with 5 and 10 Å more vacuum, but of sandwiches and own files."""
    for more in (5.0, 10.0):
        specs = tuple(_wider(spec, more) for spec in study.interfaces)
        if specs != study.interfaces:
            yield f"+{more:g}", replace(study, interfaces=specs)


def _wider(spec: InterfaceSpec, more: float) -> InterfaceSpec:
    if not spec.vacuum or spec.structure is not None:
        return spec
    return replace(spec, vacuum=spec.vacuum + more)


_VARIED: dict[str, Callable[[Study], Iterator[tuple[str, Study]]]] = {
    "k": _k,
    "encut": _encut,
    "layers": _layers,
    "vacuum": _vacuum,
}
