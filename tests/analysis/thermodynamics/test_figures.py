"""What figures of hulls, windows and contacts show."""

import math
import re

import pytest

from ionface.analysis.thermodynamics.contact import contact
from ionface.analysis.thermodynamics.contact_result import Contacts
from ionface.analysis.thermodynamics.hull import hull
from ionface.analysis.thermodynamics.window import window
from ionface.analysis.thermodynamics.window_result import Windows
from ionface.errors import AnalysisError


def words(figure):
    """Return all that is written in a figure."""
    found = [text.get_text() for axes in figure.axes for text in axes.texts]
    for axes in figure.axes:
        found += [label.get_text() for label in axes.get_yticklabels()]
        if axes.get_legend():
            found += [text.get_text() for text in axes.get_legend().get_texts()]
    return re.sub(r"\$_\{(.*?)\}\$", r"\1", " ".join(found))


def test_a_binary_hull_shows_its_plateaus(sevennet):
    shown = words(hull(sevennet, ["Li", "In"]).plot())
    assert "0.55 V  In / LiIn" in shown
    assert "Li5In4" in shown


def test_a_larger_hull_shows_distances(sevennet):
    shown = words(hull(sevennet, ["Li", "P", "S", "Cl"]).plot())
    assert "73" in shown  # meV/atom of Li6PS5Cl
    assert "Li3PS4" in shown


def test_elements_alone_have_no_figure(sevennet):
    with pytest.raises(AnalysisError, match="no compound to draw"):
        hull(sevennet, ["In", "Zn"]).plot()


def test_a_window_shows_its_limits_and_steps(sevennet):
    shown = words(Windows((window(sevennet, "Li6PS5Cl"),)).plot())
    for text in ("1.65", "1.97", "Li3P + Li2S + LiCl"):
        assert text in shown


def test_a_compound_without_oxidation_limit_can_be_drawn(sevennet):
    found = window(sevennet, "Al2O3", "Li")  # it has no lithium to give
    assert math.isinf(found.limits[1])
    assert "Al2O3" in words(Windows((found,)).plot())


def test_several_windows_are_bars(sevennet):
    both = Windows((window(sevennet, "Li6PS5Cl"), window(sevennet, "LiAlO2")))
    figure = both.plot()
    assert len(figure.axes) == 1
    assert "LiAlO2" in words(figure)


def test_one_contact_lists_its_kinks_and_several_their_strongest(sevennet):
    first, second = (contact(sevennet, "Li6PS5Cl", m) for m in ("Li", "LiIn"))
    alone = words(Contacts((first,)).plot())
    assert "1:  -0.56 eV/atom" in alone
    assert "5:  -0.51 eV/atom" in alone
    both = words(Contacts((first, second)).plot())
    assert "LiIn:  -0.30 eV/atom" in both
    assert "-0.51" not in both


def test_phases_that_do_not_react_can_be_drawn(sevennet):
    none = contact(sevennet, "Li2S", "LiCl")
    assert Contacts((none,)).plot().axes
    other = contact(sevennet, "Li6PS5Cl", "Li")
    assert "no reaction" in words(Contacts((none, other)).plot())
