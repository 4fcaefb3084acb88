"""Solid-state-battery interfaces from first principles.

structures   what is simulated: crystals, slabs, matches, polymers, interface models
workflows    what is run: studies, engines, flows, projects, the cluster, commands
analysis     what is learnt: trajectories, RDFs, reactions, diffusion, energies
"""

from importlib.metadata import version

__version__ = version("ionface")
