"""Solid-state-battery interfaces from first principles.

    structures   what is simulated: crystals, slabs, matches, polymers, interface models
    workflows    what is run: studies, engines, flows, projects, the cluster, commands
    analysis     what is learnt: trajectories, RDFs, reactions, diffusion, energies

What most users need stands here by name; each is imported when it is first used, so
that `import ionface` costs nothing.

>>> import ionface
>>> energy = ionface.formation_energy(-10.0, {"A": -6.0, "B": -3.0}, area=20.0)
>>> round(energy.ev_per_a2, 3)
-0.05
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ionface.analysis.diffusion.diffusion import diffusion
    from ionface.analysis.diffusion.msd import msd
    from ionface.analysis.energies.formation_energy import formation_energy
    from ionface.analysis.rdf.rdf import rdf
    from ionface.analysis.reactions.bonds import bonds
    from ionface.analysis.reactions.reaction_report import reactions
    from ionface.analysis.readers.opening import open_trajectory
    from ionface.errors import IonfaceError
    from ionface.structures.interface import build_interface
    from ionface.structures.matching.search import matches
    from ionface.structures.model import InterfaceModel
    from ionface.structures.slabs.crystal_layer import terminations
    from ionface.structures.specs import CrystalLayer, InterfaceSpec, SlabLayer
    from ionface.workflows.engines.makers_engine import MakersEngine
    from ionface.workflows.engines.registry import engine
    from ionface.workflows.flows.makers import (
        InterfaceDynamicsMaker,
        InterfaceFormationMaker,
    )
    from ionface.workflows.flows.study_flow import study_flow
    from ionface.workflows.run_study import run
    from ionface.workflows.study.study_files import load as load_study

    __version__: str

__all__ = [
    "CrystalLayer",
    "InterfaceDynamicsMaker",
    "InterfaceFormationMaker",
    "InterfaceModel",
    "InterfaceSpec",
    "IonfaceError",
    "MakersEngine",
    "SlabLayer",
    "__version__",
    "bonds",
    "build_interface",
    "diffusion",
    "engine",
    "formation_energy",
    "load_study",
    "matches",
    "msd",
    "open_trajectory",
    "rdf",
    "reactions",
    "run",
    "study_flow",
    "terminations",
]

_HOMES = {
    "CrystalLayer": "structures.specs:CrystalLayer",
    "InterfaceDynamicsMaker": "workflows.flows.makers:InterfaceDynamicsMaker",
    "InterfaceFormationMaker": "workflows.flows.makers:InterfaceFormationMaker",
    "InterfaceModel": "structures.model:InterfaceModel",
    "InterfaceSpec": "structures.specs:InterfaceSpec",
    "IonfaceError": "errors:IonfaceError",
    "MakersEngine": "workflows.engines.makers_engine:MakersEngine",
    "SlabLayer": "structures.specs:SlabLayer",
    "bonds": "analysis.reactions.bonds:bonds",
    "build_interface": "structures.interface:build_interface",
    "diffusion": "analysis.diffusion.diffusion:diffusion",
    "engine": "workflows.engines.registry:engine",
    "formation_energy": "analysis.energies.formation_energy:formation_energy",
    "load_study": "workflows.study.study_files:load",
    "matches": "structures.matching.search:matches",
    "msd": "analysis.diffusion.msd:msd",
    "open_trajectory": "analysis.readers.opening:open_trajectory",
    "rdf": "analysis.rdf.rdf:rdf",
    "reactions": "analysis.reactions.reaction_report:reactions",
    "run": "workflows.run_study:run",
    "study_flow": "workflows.flows.study_flow:study_flow",
    "terminations": "structures.slabs.crystal_layer:terminations",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("ionface")
    if name not in _HOMES:
        raise AttributeError(f"module 'ionface' has no attribute {name!r}")
    module, _, inside = _HOMES[name].partition(":")
    value = getattr(import_module(f"ionface.{module}"), inside)
    globals()[name] = value  # found once
    return value


def __dir__() -> list[str]:
    return list(__all__)
