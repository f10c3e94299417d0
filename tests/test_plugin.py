"""What a session shows: fixtures, options, and the checks of pipelines that the ini names."""

from __future__ import annotations

import pytest

from pytest_denorm.checks import CHECKS
from pytest_denorm.plugin.settings import OPTIONS

TOTAL = len(CHECKS)

DATA = """
from torchvision import transforms as T

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
val = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])
inplace = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD, inplace=True)])

def make():
    return val

def broken():
    raise OSError("no data")
"""

INI = """
[pytest]
denorm_pipelines =
    val = mydata:val
    bad = mydata:inplace
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(mydata=DATA)
    pytester.makeini(INI)
    return pytester


def test_the_fixtures_verify_a_project(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        import pytest
        from mydata import val

        @pytest.fixture
        def denorm_pipeline():
            return val
        """
    )
    project.makepyfile(
        """
        import torch

        def test_facade(denorm, denorm_pipeline, denorm_inverse, denorm_images):
            assert denorm_images.dtype == torch.uint8
            assert denorm_images.shape[1] == 3
            for channel in denorm_images.unbind(1):
                assert len(channel.unique()) == 256
            denorm.assert_round_trip(denorm_pipeline, inverse=denorm_inverse)
            assert denorm.check(denorm_pipeline).ok
            normalization = denorm.find_normalize(denorm_pipeline)
            assert normalization.mean == (0.485, 0.456, 0.406)
            normalized = normalization.normalize(denorm_images)
            assert torch.equal(denorm.to_uint8(normalized, denorm_pipeline), denorm_images)
            back = denorm.denormalize(normalized, denorm_pipeline)
            assert torch.equal(back, denorm.inverse_of(denorm_pipeline)(normalized))
            assert denorm.diagnose(normalization, lambda y: y).kind == "not-inverted"
            assert denorm.grid(normalized, denorm_pipeline).pixels.shape[2] == 3

        def test_failure(denorm, denorm_pipeline):
            denorm.assert_round_trip(denorm_pipeline, inverse=lambda y: y)
        """
    )
    result = project.runpytest("-q", "-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*AssertionError: what went through Normalize does not come back",
            "*Normalize   Compose.transforms[[]1[]]: torchvision.transforms.Normalize",
            "*diagnosis   not-inverted: *",
        ]
    )


def test_without_a_pipeline_the_fixture_says_how_to_give_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(denorm_pipeline): pass")
    result = pytester.runpytest("-q")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "*SettingsError: no pipeline to test: override the fixture denorm_pipeline in your conftest.py (let it "
            "return your transform), or name it with --denorm-pipeline=module:attribute, or denorm_pipeline in the ini."
        ]
    )


@pytest.mark.parametrize("spec", ["mydata:val", "mydata:make()"])
def test_the_pipeline_can_be_named(project: pytest.Pytester, spec: str) -> None:
    project.makepyfile(
        """
        def test_it(denorm, denorm_pipeline):
            source = denorm.find_normalize(denorm_pipeline).source
            assert source == "Compose.transforms[1]: torchvision.transforms.Normalize"
        """
    )
    project.runpytest("-q", f"--denorm-pipeline={spec}").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mydata", "'mydata' names no pipeline: expected module:attribute"),
        ("mydata.val", "for a function that makes it. Did you mean 'mydata:val'? There is "),
        ("mydata:nothing", "mydata:nothing: mydata has no 'nothing'. It has: "),
        ("nowhere:val", "nowhere:val: No module named 'nowhere'. Looked in "),
        ("mydata:broken()", "mydata:broken(): calling it raised OSError: no data"),
    ],
)
def test_a_name_that_names_nothing_is_told(project: pytest.Pytester, spec: str, message: str) -> None:
    project.makepyfile("def test_it(denorm_pipeline): pass")
    result = project.runpytest("-q", f"--denorm-pipeline={spec}")
    result.assert_outcomes(errors=1)
    assert message in result.stdout.str()


def test_a_module_below_src_is_told_how_to_be_found(pytester: pytest.Pytester) -> None:
    source = pytester.mkdir("src")
    (source / "myp").mkdir()
    (source / "myp/data.py").write_text(
        "from torchvision import transforms as T\nval = T.Compose([T.ToTensor(), T.Normalize([0.5], [0.25])])\n"
    )
    ini = "[pytest]\ndenorm_pipelines = val = {}:val\n{}"
    pytester.makeini(ini.format("myp.data", ""))
    result = pytester.runpytest("--denorm", "-k", "round_trip")
    result.stdout.fnmatch_lines(
        [
            f"myp.data:val: No module named 'myp'. Looked in {pytester.path} too. There is {source}/myp/data.py: "
            "install the project (pip install -e .), or let pytest import from there too (pythonpath = src in its ini)."
        ]
    )
    pytester.makeini(ini.format("myp.other", ""))
    pytester.runpytest("--denorm", "-k", "round_trip").stdout.no_fnmatch_line("*pip install*")
    pytester.makeini(ini.format("myp.data", "pythonpath = src\n"))
    pytester.runpytest("--denorm", "-k", "round_trip").assert_outcomes(passed=2)


def test_checks_of_pipelines_in_the_ini_are_items(project: pytest.Pytester) -> None:
    result = project.runpytest("--denorm", "--collect-only", "-q", "-p", "no:randomly")
    result.stdout.fnmatch_lines(["denorm::val::finds_normalize", "denorm::val::round_trip", "denorm::bad::round_trip"])


def test_checks_without_a_test_file(project: pytest.Pytester) -> None:
    result = project.runpytest("--denorm", "-q", "-p", "no:randomly")
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 1
    assert outcomes["passed"] >= 35
    result.stdout.fnmatch_lines(
        [
            "*denorm::bad::input_unchanged*",
            "bad: Compose.transforms[[]1[]]: torchvision.transforms.Normalize",
            "  FAIL input_unchanged: Normalize changes its input in place (inplace=True?):",
            'again: pytest --denorm -k "bad and input_unchanged"',
            "FAILED denorm::bad::input_unchanged*",
        ]
    )


def test_checks_can_be_selected_and_run_again(project: pytest.Pytester) -> None:
    project.runpytest("--denorm", "-q", "-k", "val and bytes_exact").assert_outcomes(passed=1, deselected=2 * TOTAL - 1)
    project.runpytest("--denorm", "-q", "-k", "input_unchanged").assert_outcomes(
        passed=1, failed=1, deselected=2 * TOTAL - 2
    )
    project.runpytest("--denorm", "-q", "--lf").assert_outcomes(failed=1, deselected=2 * TOTAL - 1)


@pytest.mark.parametrize(
    ("arguments", "selected"),
    [
        (("-k", "val and round_trip"), 2),
        (("-k", "test_own or picklable"), 3),
        (("--deselect=denorm::val",), TOTAL + 1),
        (("--deselect=denorm::val::round_trip",), 2 * TOTAL),
        (("--lf",), 1),
        ((), 2 * TOTAL + 1),
    ],
    ids=["checks", "both", "without a pipeline", "without a check", "failed", "all"],
)
def test_checks_are_counted_as_tests_are(project: pytest.Pytester, arguments: tuple[str, ...], selected: int) -> None:
    project.makepyfile("def test_own(): ...")
    total = 2 * TOTAL + 1
    if "--lf" in arguments:
        project.runpytest("--denorm", "-k", "bad and input_unchanged").assert_outcomes(failed=1, deselected=total - 1)
    result = project.runpytest("--denorm", "--collect-only", *arguments)
    deselected = f" / {total - selected} deselected / {selected} selected" if selected < total else ""
    assert f"collected {total} items{deselected}" in result.outlines
    assert sum("<_CheckItem " in line or "<Function " in line for line in result.outlines) == selected


def test_checks_spread_over_workers(project: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    result = project.runpytest_subprocess("--denorm", "-q", "-n2", "-k", "round_trip or input_unchanged")
    result.assert_outcomes(passed=5, failed=1)


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        ("", "--denorm: no pipeline is listed. Name them in the ini:"),
        ("denorm_pipelines = val", "denorm_pipelines: 'val': expected name = module:attribute."),
        ("denorm_pipelines =\n a = m:a\n a = m:b", "denorm_pipelines: 'a' is listed twice."),
        ("denorm = maybe", "denorm in the ini is 'maybe': expected true or false."),
    ],
)
def test_a_list_that_cannot_be_used_is_told(pytester: pytest.Pytester, ini: str, message: str) -> None:
    pytester.makeini(f"[pytest]\n{ini}")
    for workers in ((), ("-n2",)):
        result = pytester.runpytest(*["--denorm"] * ("maybe" not in ini), *workers)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert message in result.stderr.str()


def test_a_pipeline_that_cannot_be_loaded_fails_its_checks(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ndenorm_pipelines = val = nowhere:val")
    result = pytester.runpytest("--denorm", "-q", "-k", "round_trip", "-p", "no:randomly")
    result.assert_outcomes(failed=2, deselected=TOTAL - 2)
    said = result.stdout.str()
    # its failure, and the line of the summary, which some older versions of pytest leave without a message
    counts = {2} if pytest.version_tuple >= (9,) else {1, 2}
    assert said.count("nowhere:val: No module named 'nowhere'.") in counts
    assert "nowhere:val cannot be loaded: the first failure of 'val' says why." in said
    assert "Traceback" not in said


def test_own_pictures_take_the_place_of_the_built_in_ones(project: pytest.Pytester) -> None:
    from PIL import Image

    folder = project.mkdir("pictures")
    for index, colour in enumerate(["red", "blue"]):
        Image.new("RGB", (9, 7), colour).save(folder / f"{index}.png")
    project.makepyfile(
        """
        def test_it(denorm, denorm_images):
            assert denorm_images.shape == (2, 3, 7, 9)
            assert denorm_images[0, 0, 0, 0] == 255
            assert denorm.images is denorm_images
            assert repr(denorm) == "<denorm: 2 images, seed 0>"
        """
    )
    project.runpytest("-q", "--denorm-images=pictures").assert_outcomes(passed=1)
    Image.new("RGB", (9, 8)).save(folder / "2.png")
    result = project.runpytest("-q", "--denorm-images=pictures")
    result.stdout.fnmatch_lines(
        ["*ImageError: denorm_images: *2.png is (9, 8) pixels, 0.png is (9, 7): expected one size."]
    )
    result = project.runpytest("-q", "--denorm-images=nowhere")
    result.stdout.fnmatch_lines(["*SettingsError: denorm_images is *nowhere: expected a picture, or a folder*"])


def test_the_seed_reaches_what_is_drawn(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import torch
        from mydata import val
        from torchvision.datasets import FakeData

        def test_it(denorm):
            assert denorm.seed == 5
            raw = FakeData(20, (3, 8, 8))
            drawn = denorm.dataset_statistics(raw, sample=3)
            assert drawn == denorm.dataset_statistics(raw, sample=3, seed=5)
            assert drawn != denorm.dataset_statistics(raw, sample=3, seed=6)
            assert denorm.sweep(val, raw, sample=3).wrong_levels == 0
            assert denorm.probe(val).normalization().channels == 3
        """
    )
    project.runpytest("-q", "--denorm-seed=5").assert_outcomes(passed=1)


def test_every_option_is_documented_and_typed(pytester: pytest.Pytester) -> None:
    text = " ".join(pytester.runpytest("--help").stdout.str().split())
    for option in OPTIONS:
        assert option.name.startswith("denorm")
        if option.kind != "linelist":
            assert "--" + option.name.replace("_", "-") in text
        assert " ".join(option.help.split()) in text, option.name


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        ("denorm_seed = many", "denorm_seed in the ini is 'many': expected a whole number."),
        ("denorm_compare = maybe", "denorm_compare in the ini is 'maybe': expected one of always, mpl, never."),
        ("denorm_pictures = maybe", "denorm_pictures in the ini is 'maybe': expected true or false."),
    ],
)
def test_a_wrong_value_in_the_ini_is_told(pytester: pytest.Pytester, ini: str, message: str) -> None:
    from pytest_denorm.plugin import settings

    config = pytester.parseconfig("-c", str(pytester.makeini(f"[pytest]\n{ini}")))
    with pytest.raises(pytest.UsageError) as caught:
        settings.get(config, ini.split()[0])
    assert str(caught.value) == message


@pytest.mark.parametrize("option", ["denorm", "denorm_pictures", "denorm_update_in_ci"])
def test_a_wrong_flag_is_told_where_warnings_are_errors(pytester: pytest.Pytester, option: str) -> None:
    result = pytester.runpytest("-W", "error", "-o", f"{option}=maybe", "--denorm-update=missing")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.errlines[0] == f"ERROR: {option} in the ini is 'maybe': expected true or false."


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="values have types since pytest 9")
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("denorm_pictures = 'maybe: not'", "denorm_pictures in the ini is 'maybe: not': expected true or false."),
        ("denorm_pictures = 3", "denorm_pictures in the ini is 3: expected true or false."),
        ("denorm_seed = 3", "denorm_seed in the ini is 3: expected a text."),
        ("denorm_pipelines = 'v = m:v'", "denorm_pipelines in the ini is 'v = m:v': expected a list of texts."),
    ],
)
def test_a_value_of_another_type_is_told(pytester: pytest.Pytester, line: str, message: str) -> None:
    from pytest_denorm.plugin import settings

    (pytester.path / "pytest.toml").write_text(f"[pytest]\n{line}\n")
    config = pytester.parseconfig()
    with pytest.raises(pytest.UsageError) as caught:
        settings.get(config, line.split()[0])
    assert str(caught.value) == message


def test_the_command_line_beats_the_ini(pytester: pytest.Pytester) -> None:
    from pytest_denorm.plugin import settings

    ini = pytester.makeini("[pytest]\ndenorm_seed = 3\ndenorm_images = pictures")
    config = pytester.parseconfig("-c", str(ini), "--denorm-seed=4")
    assert settings.get(config, "denorm_seed") == 4
    assert settings.get(config, "denorm_images") == str(pytester.path / "pictures")
    assert settings.get(pytester.parseconfig("-c", str(ini)), "denorm_seed") == 3
    assert settings.get(config, "denorm_pipeline") == ""
