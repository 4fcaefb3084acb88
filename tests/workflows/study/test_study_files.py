"""Study files: every mistake gets its line, its key, its value and what is allowed."""

import re
from dataclasses import replace

import pytest
from ase.build import bulk, fcc111

from ionface.errors import IonfaceError
from ionface.structures.specs import (
    CrystalLayer,
    Doping,
    InterfaceSpec,
    PolymerLayer,
    SlabLayer,
)
from ionface.workflows.study.input_files import by_content, changed_file
from ionface.workflows.study.study import EngineChoice, EngineNames, quickened
from ionface.workflows.study.study_files import (
    builtin_names,
    load,
    parse,
    remarks,
    to_yaml,
)

MINIMAL = """\
name: li-lif
engine: sevennet
interfaces:
  - name: Li|LiF
    film: {material: Li, miller: [1, 0, 0], thickness: 12}
    substrate: {material: LiF, miller: [1, 0, 0], thickness: 10}
    strained: film
    max_strain: 0.03
    max_area: 250
    vacuum: 20
dynamics:
  - interface: Li|LiF
    temperature: 300
    timestep: 2
    steps: 1000
    pairs: [Li-F]
"""


def test_the_example_of_the_readme_is_a_valid_study():
    study = parse(MINIMAL, "example")
    assert study.interface("Li|LiF").film == CrystalLayer("Li", (1, 0, 0), thickness=12)
    with pytest.raises(IonfaceError, match=r"no interface 'LiF'; the study has \['Li"):
        study.interface("LiF")
    assert study.dynamics[0].pairs == ("Li-F",)
    assert study.engines() == EngineNames("sevennet", "sevennet")


@pytest.mark.parametrize("name", builtin_names())
def test_built_in_studies_are_valid_and_survive_yaml(name):
    study = load(name)
    assert study.name == name
    assert parse(to_yaml(study), "again") == study


def test_both_papers_are_built_in():
    assert set(builtin_names()) >= {"lagp-pdol-li", "lpscl-in"}
    lagp = load("lagp-pdol-li")
    assert isinstance(lagp.interface("LAGP|P-DOL").film, PolymerLayer)
    assert lagp.interface("LAGP|Li").substrate.doping == Doping("Al", "Ge", 0.5)
    run = load("lpscl-in").dynamics[0]
    assert (run.steps, run.pairs) == (10000, ("In-S", "In-Cl", "P-S"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("max_strain", "max_strian", "line 8: interfaces.0.max_strian: no such key"),
        ("max_strain: 0.03", "max_strain: much", "line 8: interfaces.0.max_strain"),
        ("thickness: 12", "thicknes: 12", "did you mean 'thickness'?"),
        (
            "thickness: 10",
            "layer: 10",
            "Allowed here: compensate, deeper, doping, fixed_layers, groups, lattice",
        ),
        (
            "thickness: 12",
            "thickness: 12, doping: {dopant: Na, host: Li, x: 0.5, where: top}",
            "line 5: interfaces.0.film.doping.where: Input should be 'bulk' or 'slab'",
        ),
        (
            "max_strain: 0.03",
            "match: best",
            "line 8: interfaces.0.match: must be a whole number, as in 1000, or 'small",
        ),
        ("steps: 1000", "stps: 1000", "line 15: dynamics.0"),
        ("strained: film", "strained: both", "'film', 'substrate' or 'shared'"),
        ("miller: [1, 0, 0], thickness: 10", "miller: [1, 0], thickness: 10", "miller"),
        ("name: li-lif\n", "", "name: this key is required"),
        (
            "miller: [1, 0, 0], thickness: 12",
            "miller: 110, layers: 2",
            "as in [1, 1, 0]",
        ),
        (
            "engine: sevennet",
            "engine: [a, b]",
            "must be a word; several stand in engines: [a, b]",
        ),
        (
            "substrate: {material: LiF, miller: [1, 0, 0], thickness: 10}",
            "substrate: {polymer: CCO}",
            "can only be the film",
        ),
        ("name: li-lif", "name: li/lif", "letters, digits, dots"),
        ("interface: Li|LiF", "interface: LiLiF", "no interface is called 'LiLiF'"),
        ("pairs: [Li-F]", "pairs: [Li-Xx]", "'Xx' in pair 'Li-Xx' is no element"),
        ("pairs: [Li-F]", "pairs: [LiF]", "two elements joined by a dash"),
        (
            "pairs: [Li-F]",
            "until: {foo: 1}",
            "dynamics of Li|LiF: until: no such key as 'foo'",
        ),
        ("pairs: [Li-F]", "until: {pair: LiF}", "two chemical symbols"),
        ("pairs: [Li-F]", "until: {pair: Li-Xx}", "['Xx'] are no chemical"),
        ("steps: 1000", "steps: 9\n    stride: 0", "stride: must be above 0"),
        (
            "steps: 1000",
            "steps: -5",
            "line 15: dynamics.0.steps: must be above 0 (got -5)",
        ),
        ("steps: 1000", "steps: 1000\n    references: [LiF]", "no reference is called"),
        ("engine: sevennet", "protocol: li-2025", "did you mean 'li-2024'?"),
        ("engine: sevennet", "color: red", "line 2: color: no such key"),
    ],
)
def test_each_mistake_is_explained(old, new, said):
    assert old in MINIMAL
    text = MINIMAL.replace(old, new, 1)
    with pytest.raises(IonfaceError) as caught:
        parse(text, "my.yaml")
    assert "my.yaml" in str(caught.value) or "protocol" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1", "not valid YAML"),
        ("just words", "must be a mapping"),
        ("", "must be a mapping"),
        ("- 1\n- 2\n", "must be a mapping"),
    ],
)
def test_what_is_no_study_at_all_is_refused(text, said):
    with pytest.raises(IonfaceError, match=said):
        parse(text, "my.yaml")


def test_two_interfaces_of_one_name_are_refused():
    twice = MINIMAL.replace(
        "dynamics:",
        "  - name: Li|LiF\n"
        "    film: {material: Li, miller: [1, 0, 0], layers: 2}\n"
        "    substrate: {material: LiF, miller: [1, 0, 0], layers: 2}\n"
        "dynamics:",
    )
    with pytest.raises(IonfaceError, match=r"'Li\|LiF' stands twice"):
        parse(twice, "my.yaml")


def test_an_unknown_study_names_the_closest():
    with pytest.raises(IonfaceError, match="did you mean 'lpscl-in'"):
        load("lpscl-inn")


def test_a_binary_file_is_refused(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(IonfaceError, match="not a text file"):
        load(str(path))


def test_crystal_files_are_found_beside_the_study(tmp_path):
    (tmp_path / "Ag.cif").write_text("data_Ag")
    text = MINIMAL.replace("material: LiF,", "material: Ag.cif,")
    (tmp_path / "study.yaml").write_text(text)
    layer = load(str(tmp_path / "study.yaml")).interfaces[0].substrate
    assert layer.material == str((tmp_path / "Ag.cif").resolve())
    assert layer.phase == "Ag"


def test_an_engine_may_be_spelled_out_for_each_kind_of_job():
    spelled = (
        "engine: {formation: chgnet, dynamics: {calculator: a.B, arguments: {x: 1}}}"
    )
    study = parse(MINIMAL.replace("engine: sevennet", spelled), "my.yaml")
    assert study.engines().dynamics == EngineChoice("a.B", {"x": 1})


@pytest.mark.slow
def test_quick_keeps_the_graph_and_shrinks_everything_else():
    for name in builtin_names():
        study, quick = load(name), quickened(load(name))
        assert [s.name for s in quick.interfaces] == [s.name for s in study.interfaces]
        assert quick.formation_names == study.formation_names
        assert quick.quick
        for run in quick.dynamics:
            assert run.steps * 2 == 400  # 0.4 ps at 2 fs
            assert run.pairs == next(
                r.pairs for r in study.dynamics if r.interface == run.interface
            )
        for spec, small in zip(study.interfaces, quick.interfaces, strict=True):
            few = max(2, round(0.4 * spec.substrate.layers))
            assert small.substrate.layers == min(spec.substrate.layers, few)


def test_a_key_that_stands_twice_is_told_with_both_lines():
    text = "name: a\nengine: chgnet\ninterfaces: []\nengine: sevennet\n"
    with pytest.raises(IonfaceError, match=r"a.yaml, line 4: 'engine' .* line 2"):
        parse(text, "a.yaml")


def test_structures_in_a_study_survive_yaml_and_quick():
    film = CrystalLayer(bulk("Al", cubic=True), (1, 0, 0), layers=6)
    slab = SlabLayer(fcc111("Al", (1, 1, 3), vacuum=8.0))
    study = replace(
        load("lpscl-in"), interfaces=(InterfaceSpec("a", film, slab),), dynamics=()
    )
    study = replace(study, references=(), published=())
    assert parse(to_yaml(study), "again").interfaces == study.interfaces
    quick = quickened(study).interface("a")
    assert quick.film.layers < 6
    assert quick.substrate == slab


def test_slab_files_are_found_beside_the_study(tmp_path):
    fcc111("Al", (1, 1, 3), vacuum=8.0).write(tmp_path / "mine.vasp")
    (tmp_path / "study.yaml").write_text(
        "name: x\ninterfaces:\n- name: a\n"
        "  film: {material: Al, miller: [1, 1, 1], layers: 3}\n"
        "  substrate: {slab: mine.vasp}\n"
    )
    substrate = load(str(tmp_path / "study.yaml")).interface("a").substrate
    assert substrate == SlabLayer(str(tmp_path / "mine.vasp"), name="mine")


@pytest.mark.slow
def test_a_yaml_bomb_is_refused_at_once():
    bomb = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for text in (bomb, "a: &a [*a]\n"):
        with pytest.raises(IonfaceError, match=r"bomb\.yaml .*aliases"):
            parse(text, "bomb.yaml")
    with pytest.raises(IonfaceError, match="nested deeper than"):
        parse("[" * 100_000, "deep.yaml")


def test_an_alias_that_saves_writing_is_welcome():
    text = MINIMAL.replace("film: {", "film: &film {").replace(
        "substrate: {material: LiF, miller: [1, 0, 0], thickness: 10}",
        "substrate: *film",
    )
    spec = parse(text.replace("Li-F", "Li-Li"), "x").interface("Li|LiF")
    assert spec.film == spec.substrate


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "steps: 1000",
            "steps: 1000000000000000",
            "steps: must not be above 1,000,000,",
        ),
        ("steps: 1000", "steps: 1.0e+15", "steps: must not be above"),
        ("steps: 1000", "steps: 100000000\n    segment: 10", "10,000,000 jobs, above"),
        (
            "steps: 1000",
            "steps: 10\n    windows: 1000000",
            "windows: must not be above",
        ),
        (
            "steps: 1000",
            "steps: 10\n    prerelax: 10000000000",
            "prerelax: must not be",
        ),
        ("timestep: 2", "timestep: 0.002", "if 0.002 ps were meant, give 2"),
        ("name: li-lif", "name: '..'", "name: '..' must begin with a letter"),
        ("name: li-lif", "name: '.'", "must begin with a letter"),
        ("name: li-lif", "name: " + 200 * "a", "at most 100 letters"),
        ("name: Li|LiF", "name: '|'", "must have a letter or digit"),
    ],
)
def test_numbers_and_names_that_would_end_badly_are_refused(old, new, said):
    with pytest.raises(IonfaceError) as refused:
        parse(MINIMAL.replace(old, new), "mine.yaml")
    assert said in str(refused.value)


def test_names_that_would_share_files_are_refused():
    first = MINIMAL.partition("dynamics:")[0]
    other = first.partition("interfaces:\n")[2].replace("Li|LiF", "Li-LiF")
    with pytest.raises(IonfaceError, match="would share files called Li-LiF"):
        parse(first + other, "mine.yaml")


def test_a_temperature_in_celsius_is_asked_about():
    (remark,) = remarks(parse(MINIMAL.replace("300", "25"), "x"))
    assert "if 25 °C were meant, give 298" in remark
    assert not remarks(parse(MINIMAL, "x"))


def test_a_sandwich_that_nothing_relaxes_before_its_run_is_told():
    sandwich = re.sub("vacuum: .*", "vacuum: 0", MINIMAL)
    unrelaxed = sandwich.replace("steps: 1000", "steps: 1000\n    prerelax: 0")
    (remark,) = remarks(parse(unrelaxed, "x"))
    assert "Li|LiF: prerelax: 0 begins at the gap" in remark
    assert not remarks(parse(unrelaxed.replace("vacuum: 0", "vacuum: 15"), "x"))
    assert not remarks(parse(unrelaxed.replace("prerelax: 0", "prerelax: 50"), "x"))
    joined = unrelaxed.replace("vacuum: 0", "vacuum: 0\n    start: joined")
    assert not remarks(parse(joined, "x"))
    assert not remarks(load("lpscl-in"))


def test_several_engines_are_one_and_others_beside_it():
    text = MINIMAL.replace("engine: sevennet", "engines: [sevennet, chgnet]")
    study = parse(text, "my.yaml")
    assert (study.engine, study.beside) == ("sevennet", ("chgnet",))
    assert parse(to_yaml(study), "again.yaml") == study
    assert study.with_engine("mace").beside == ()


@pytest.mark.parametrize(
    "line",
    [
        "engines: [sevennet]",
        "engines: [chgnet, chgnet]",
        "engines: sevennet",
        "engines: [sevennet, chgnet]\nengine: chgnet",
    ],
)
def test_engines_are_two_or_more_different_names(line):
    with pytest.raises(IonfaceError, match="two or more different names"):
        parse(MINIMAL.replace("engine: sevennet", line), "my.yaml")


OWN = """\
name: own
interfaces:
  - name: Al|Cu
    structure: mine.vasp
    film: {part: Al, elements: [Al]}
"""


def test_an_interface_of_ones_own_is_one_file_of_the_study(tmp_path):
    (tmp_path / "own.yaml").write_text(OWN)
    mine = tmp_path / "mine.vasp"
    mine.write_text("first")
    study = load(str(tmp_path / "own.yaml"))
    (spec,) = study.interfaces
    assert (spec.film.phase, spec.substrate.phase) == ("Al", "substrate")
    assert spec.structure == str(mine.resolve())
    assert parse(to_yaml(study), "own.yaml") == study
    before, files = by_content(study)
    assert [*files.values()] == [mine.resolve()]
    mine.write_text("second")
    after, _ = by_content(study)
    assert "mine.vasp is not the file" in changed_file(before, after)
    (thin,) = quickened(study).interfaces
    assert thin == spec


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("elements:", "element:", "line 5: interfaces.0.film.element: no such key"),
        ("    structure: mine.vasp\n", "", "interfaces.0"),
    ],
)
def test_a_mistake_in_an_own_interface_is_told(old, new, said):
    with pytest.raises(IonfaceError, match=said):
        parse(OWN.replace(old, new), "own.yaml")


NUMBERS = """\
name: s
interfaces:
  - name: Al|LiF
    film: {{material: Al, miller: [1, 0, 0], {film}}}
    substrate: {substrate}
    {more}
surfaces:
  - {{material: Li, miller: [1, 0, 0], {surface}}}
dynamics:
  - {{interface: Al|LiF, steps: 10, {run}}}
relaxation: {relaxation}
"""
SOUND = {
    "film": "layers: 2",
    "substrate": "{material: LiF, miller: [1, 0, 0], layers: 2}",
    "more": "vacuum: 20",
    "surface": "layers: 3",
    "run": "cutoff: 5",
    "relaxation": "{steps: 10}",
}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("more", "gap: 50", r"interfaces.0: Al\|LiF: gap=50.0 Å .* 0.5 and 30; 2 to 3"),
        ("more", "vacuum: -3", "vacuum=-3.0 Å must lie between 0 and 100; 20 is usual"),
        ("more", "vacuum: 3", "too thin to separate the slabs; give 0"),
        ("more", "max_strain: 5", r"max_strain=5.0 must lie .* 0.15; 0.05 is 5 %"),
        ("more", "min_area: 300", r"min_area=300 is above max_area=250 Å²; raise"),
        ("more", "match: -1", r"match=-1 must lie between .* or smallest"),
        ("more", "mobile: {surface: -3}", r"mobile=-3.0 Å must lie .* or give all"),
        ("more", "scan: {spacing: 0}", r"scan: spacing=0.0 Å must lie .* 0.8 is usual"),
        ("more", "scan: {gaps: []}", r"scan: gaps=.. must hold one number"),
        (
            "film",
            "layers: 10000",
            r"film: layers=10000 .* 1 and 500; or give",
        ),
        ("film", "thickness: .nan", r"thickness=nan Å must lie between 0.1 and 1000"),
        ("film", "name: Al", r"film: give either layers or thickness .*, not neither"),
        (
            "film",
            "layers: 2, doping: {dopant: Mg, host: Al, x: 0.5, ensemble: 0}",
            r"film: doping: ensemble=0 must lie between 1 and 1000; 1 is a single",
        ),
        ("surface", "layers: 0", r"line 8: surfaces.0: Li: layers=0 must lie"),
        ("run", "cutoff: 500", r"cutoff: must not be above 50"),
        ("run", "temperature: 1.0e+6", r"temperature: must not be above 20,000"),
        ("relaxation", "{fmax: 10000}", r"fmax: must not be above 1,000"),
    ],
)
def test_numbers_beyond_all_sense_are_refused_as_the_study_is_read(key, value, message):
    parse(NUMBERS.format(**SOUND), "s.yaml")
    with pytest.raises(IonfaceError, match=message) as refused:
        parse(NUMBERS.format(**(SOUND | {key: value})), "s.yaml")
    assert str(refused.value).startswith("s.yaml, line ")
