"""OSZICAR's lines, which also go to standard output."""

from __future__ import annotations

from ionface.workflows.engines.vasp_double.double_run import Step
from ionface.workflows.engines.vasp_double.double_settings import Settings
from ionface.workflows.engines.vasp_double.electrons import ScfStep
from ionface.workflows.engines.vasp_double.fortran import exponential, fixed, integer

HEADER = (
    "       N       E                     dE             d eps       ncg     rms"
    "          rms(c)\n"
)
LABELS = {"v": "RMM", "f": "RMM", "a": "CG ", "d": "SDA", "c": "CG "}


def electronic_line(step: ScfStep, settings: Settings) -> str:
    """Return the line of an electronic step."""
    algo = str(settings.tags.get("ALGO", "Normal"))[:1].lower()
    label = LABELS.get(algo, "DAV")
    charge = "" if step.rms_charge is None else exponential(step.rms_charge, 13, 3)
    return (
        f"{label}: {step.number:3d}  {exponential(step.energy, 20, 12)}"
        f"{exponential(step.change, 15, 5)}{exponential(step.change, 15, 5)}"
        f"{2 * settings.n_bands:6d}{exponential(step.rms, 12, 3)}{charge}\n"
    )


def ionic_line(step: Step, settings: Settings) -> str:
    """Return the line that ends an ionic step."""
    energy = exponential(step.point.energy, 14, 8)
    magnetic = f"  mag={fixed(0.0, 11, 4)}" if settings.ispin == 2 else ""
    if step.thermo is None:
        change = exponential(step.change, 12, 6)
        number = integer(step.number, 4)
        return f"{number} F= {energy} E0= {energy}  d E ={change}{magnetic}\n"
    t = step.thermo
    total = exponential(t.total(step.point.energy), 14, 8)
    return (
        f"{integer(step.number, 7)} T= {fixed(t.temperature, 5, 0)}. E= {total} "
        f"F= {energy} E0= {energy}  EK= {exponential(t.kinetic, 11, 5)} "
        f"SP= {exponential(t.nosepot, 8, 2)} SK= {exponential(t.nosekinetic, 8, 2)}"
        f"{magnetic}\n"
    )
