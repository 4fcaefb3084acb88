import numpy as np
import pytest

from ionface.workflows.engines.vasp_double.electrons import bands, density, scf

from .test_settings import settings


def _settings(counts=(2, 1), **tags):
    text = "\n".join(f"{name} = {value}" for name, value in tags.items())
    return settings(text, counts)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("ediff", [1e-4, 1e-6, 1e-8])
def test_electronic_steps_end_at_the_energy_within_ediff(first, ediff):
    steps = list(scf(-12.5, _settings(EDIFF=ediff), first=first))
    changes = np.array([step.change for step in steps])
    assert steps[-1].energy == -12.5
    assert abs(changes[-1]) < ediff
    assert np.abs(changes[1:-1]).min() > ediff
    assert changes.cumsum() == pytest.approx([step.energy for step in steps])
    assert len(steps) < 60
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))


def test_later_ionic_steps_need_fewer_electronic_ones():
    chosen = _settings()
    first, later = (len(list(scf(0, chosen, first=f))) for f in (True, False))
    assert later < first


def test_nelmin_and_nelm_are_heard():
    assert len(list(scf(0, _settings(NELMIN=40), first=False))) == 40
    assert len(list(scf(0, _settings(NELM=5), first=True))) == 4


def test_what_does_not_converge_uses_all_steps_and_keeps_changing():
    chosen = _settings(NELM=12)
    steps = list(scf(-3.0, chosen, first=True, converges=False))
    assert len(steps) == 12
    assert min(abs(step.change) for step in steps) > chosen.tags["EDIFF"]


@pytest.mark.parametrize("counts", [(2, 1), (1, 1), (1, 4)])
def test_occupations_hold_all_electrons_and_leave_empty_bands(counts):
    chosen = _settings(counts)
    energies, occupations = bands(chosen)
    assert 2 * occupations.sum() == pytest.approx(chosen.tags["NELECT"])
    assert occupations[-1] < 1
    assert (np.diff(energies) >= 0).all()
    assert len(energies) == chosen.tags["NBANDS"]


@pytest.mark.parametrize("ispin", [1, 2])
def test_the_integrated_density_counts_two_electrons_per_band(ispin):
    chosen = _settings(ISPIN=ispin, NEDOS=2001)
    table = density(chosen)
    assert table.shape == (2001, 3)
    assert ispin * table[-1, 2] == pytest.approx(2 * chosen.tags["NBANDS"], rel=0.01)
