import pytest

numba = pytest.importorskip("numba")


def test_without_a_folder_to_keep_it_in_code_is_compiled_all_the_same(monkeypatch):
    from ionface.compiled import compiled

    njit = numba.njit

    def refuse(*args, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*args, **options)

    monkeypatch.setattr(numba, "njit", refuse)

    @compiled()
    def double(x):
        return 2 * x

    assert double(21.0) == 42.0
