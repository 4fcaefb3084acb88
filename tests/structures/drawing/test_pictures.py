import pytest

from ionface.structures.drawing.pictures import MARK, draw_model, figure_model


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_picture_is_written_in_the_format_of_its_suffix(small, tmp_path, suffix):
    path = tmp_path / f"model.{suffix}"
    draw_model(small, path)
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(start)


def test_picture_names_phases_elements_and_size(small):
    figure = figure_model(small)
    side, _ = figure.axes
    written = {text.get_text() for text in side.texts}
    assert {"LPSCl", "In", "5 Å"} <= written
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert legend == {"Cl", "In", "Li", "P", "S", "interface"}
    assert "88 atoms" in figure.get_suptitle()
    assert "97.2 Å²" in figure.get_suptitle()


def test_each_interface_of_a_sandwich_is_marked(small, polymer):
    def marks(model):
        side, _ = figure_model(model).axes
        lines = [ln for ln in side.lines if isinstance(ln.get_color(), str)]
        lines = [ln for ln in lines if ln.get_color() == MARK]
        return sorted({round(float(ln.get_xdata()[0]), 3) for ln in lines})

    assert marks(polymer) == pytest.approx(polymer.interface_heights, abs=1e-3)
    # the second interface lies on the border of the cell, so it shows at both ends
    height = small.structure.lattice.c
    assert marks(small) == pytest.approx(
        [0, small.interface_heights[0], height], abs=1e-3
    )
