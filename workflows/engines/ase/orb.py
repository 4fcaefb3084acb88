"""ORB as a calculator from a file: its own takes a model that was loaded before."""

from __future__ import annotations

from ase.calculators.calculator import Calculator


def orb_v3(
    weights: str, architecture: str = "orb_v3_conservative_inf_omat"
) -> Calculator:
    """Return the calculator of ORB v3; a GPU is used where there is one.

    Args:
        weights: file of the weights.
        architecture: function of `orb_models.forcefield.pretrained` that builds the
            model these weights are of.
    """
    from orb_models.forcefield import pretrained
    from orb_models.forcefield.calculator import ORBCalculator

    model = getattr(pretrained, architecture)(weights_path=weights)
    calculator: Calculator = ORBCalculator(model)
    return calculator
