import pytest

pytest.importorskip("skfem", reason="scikit-fem is not installed")
