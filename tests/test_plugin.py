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
inplace = T.Compose([T.Normalize(MEAN, STD, inplace=True)])

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
            "*AssertionError: not-inverted: *",
            "*Normalize   Compose.transforms[[]1[]]: torchvision.transforms.Normalize",
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


def test_checks_of_pipelines_are_items_of_the_file_that_lists_them(project: pytest.Pytester) -> None:
    project.makepyfile("def test_own(): ...")
    result = project.runpytest("--denorm", "--collect-only", "-q", "-p", "no:randomly")
    lines = [line for line in result.outlines if "::" in line]
    assert len(lines) == 2 * TOTAL + 1
    assert {"tox.ini::val::finds_normalize", "tox.ini::bad::round_trip"} < set(lines)


def test_a_failure_begins_with_its_cause_and_ends_with_its_command(project: pytest.Pytester) -> None:
    result = project.runpytest("--denorm", "-q", "-p", "no:randomly")
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 1
    assert outcomes["passed"] >= 35
    cause = (
        "Normalize changes its input in place (inplace=True?): the image that the data set keeps is normalized again "
    )
    result.stdout.fnmatch_lines(
        [
            "*bad: input_unchanged*",
            f"{cause}*",
            "  fails: input_unchanged",
            "pipeline: bad: Compose.transforms[[]0[]]: torchvision.transforms.Normalize",
            "again: pytest --denorm tox.ini::bad::input_unchanged",
            f"FAILED tox.ini::bad::input_unchanged - {cause[:20]}*",
        ],
        consecutive=False,
    )
    again = next(line for line in result.outlines if line.startswith("again: "))
    folder = project.mkdir("below")
    project.runpytest(*again.split()[2:]).assert_outcomes(failed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = project.runpytest("--denorm", "--rootdir=..", "-c", "../tox.ini", "..", "-k", "input_unchanged")
    assert "again: pytest --denorm ../tox.ini::bad::input_unchanged" in result.outlines


@pytest.mark.parametrize(
    ("arguments", "selected"),
    [
        (("-k", "val and round_trip"), 2),
        (("-k", "test_own or picklable"), 3),
        (("--deselect=tox.ini::val",), TOTAL + 1),
        (("--deselect=tox.ini::val::round_trip",), 2 * TOTAL),
        (("tox.ini::val::round_trip",), 1),
        (("tox.ini::val",), TOTAL),
        (("tox.ini",), 2 * TOTAL),
        (("test_own.py",), 2 * TOTAL + 1),
        ((".",), 2 * TOTAL + 1),
        (("--lf",), 1),
        ((), 2 * TOTAL + 1),
    ],
    ids=str,
)
def test_checks_are_selected_as_tests_are(project: pytest.Pytester, arguments: tuple[str, ...], selected: int) -> None:
    project.makepyfile(test_own="def test_own(): ...")
    if "--lf" in arguments:
        project.runpytest("--denorm", "-k", "bad and input_unchanged").parseoutcomes()
    result = project.runpytest("--denorm", "--collect-only", *arguments)
    assert sum("<_CheckItem " in line or "<Function " in line for line in result.outlines) == selected


def test_checks_spread_over_workers(project: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    result = project.runpytest_subprocess(
        "--denorm", "-q", "-n2", "tox.ini::bad::input_unchanged", "tox.ini::val::round_trip"
    )
    result.assert_outcomes(passed=1, failed=1)


WRONG = """
import torch
from mydata import MEAN

def undo(y):
    return y * torch.tensor([0.229, 0.224, 0.255]).view(-1, 1, 1) + torch.tensor(MEAN).view(-1, 1, 1)

class Undo:
    def __init__(self, std=(0.229, 0.224, 0.225)):
        self.std = std

    def __call__(self, y):
        return y * torch.tensor(self.std).view(-1, 1, 1) + torch.tensor(MEAN).view(-1, 1, 1)
"""


def test_an_entry_names_the_inverse_and_what_is_known_of_it(project: pytest.Pytester) -> None:
    project.makepyfile(viz=WRONG)
    project.makeini(
        "[pytest]\ndenorm_pipelines =\n"
        "    right = mydata:val  inverse=viz:Undo\n"
        "    wrong = mydata:make  inverse=viz:undo  skip=gradient_flows,picklable  "
        "expected=bytes_exact:typo,round_trip\n"
    )
    result = project.runpytest("--denorm", "-q", "-p", "no:randomly", "-rfx")
    result.assert_outcomes(passed=2 * TOTAL - 9, failed=3, skipped=2, xfailed=2)
    said = result.stdout.str()
    assert "XFAIL tox.ini::wrong::bytes_exact - " in said
    assert " (typo)\n" in said
    assert said.count("\nwrong-std: blue std is 0.255") == 1  # in the first failure
    assert "same cause as inverse_as_run: wrong-std" in result.outlines
    assert "  mydata:make is a factory. mydata:make() was taken." in result.outlines
    assert "Traceback" not in said
    assert "site-packages" not in said


def test_an_entry_may_be_a_table(project: pytest.Pytester) -> None:
    project.makepyfile(viz=WRONG)
    project.makeini("[pytest]\n")
    project.makepyprojecttoml(
        """
        [tool.denorm.pipelines]
        short = "mydata:val  skip=picklable"

        [tool.denorm.pipelines.long]
        spec = "mydata:val"
        inverse = "viz:undo"
        skip = ["gradient_flows"]
        expected = { bytes_exact = "a typo" }
        levels = { round_trip = "warning" }
        """
    )
    result = project.runpytest("--denorm", "-p", "no:randomly", "-rxw", "-k", "bytes_exact or round_trip or picklable")
    result.assert_outcomes(passed=5, failed=1, xfailed=1, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "pyproject.toml::long::round_trip*",
            "*VerificationWarning: long: 0.0792 = 20.2 levels of 255*",
            "XFAIL pyproject.toml::long::bytes_exact - *(a typo)",
        ]
    )


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        ("", "--denorm: no pipeline is listed. Name them in the ini:"),
        ("denorm_pipelines = val", "'val': expected name = module:attribute, and after it key=value of inverse, skip,"),
        ("denorm_pipelines = val = inverse=a:b", "'val = inverse=a:b': expected name = module:attribute"),
        ("denorm_pipelines =\n a = m:a\n a = m:b", "'a' is listed twice."),
        ("denorm_pipelines =\n a = m:a\n b = m:a", "'b' is the pipeline m:a once more: list it once."),
        ("denorm_pipelines = a = m:a undo", "a: 'undo': expected key=value of inverse, skip, expected, levels"),
        ("denorm_pipelines = a = m:a invers=m:b", "a: there is no key 'invers'. Did you mean 'inverse'?"),
        ("denorm_pipelines = a = m:a skip=b skip=c", "a: skip is given twice."),
        (
            "denorm_pipelines = a = m:a skip=roundtrip",
            "skip names 'roundtrip', which is no check. Did you mean 'round_tr",
        ),
        ("denorm_pipelines = a = m:a expected=x", "expected names 'x', which is no check. There are: finds_normalize"),
        ("denorm_pipelines = a = m:a levels=picklable:no", "levels gives picklable the level 'no': expected error, wa"),
        ("denorm_pipelines = a = m:a output_max=white", "a: output_max is 'white': expected a number above 0."),
        ("denorm_pipelines = a::b = m:a", "the name 'a::b' has '::' in it, which pytest's ids use: expected another"),
        ("denorm_pipelines = a = m:a\ndenorm_checks = x", "denorm_checks: 'x': expected name: error, name: warning or"),
        ("denorm_pipelines = a = m:a\ndenorm_checks = x: off", "denorm_checks names 'x', which is no check."),
        ("denorm = maybe", "denorm in the ini is 'maybe': expected true or false."),
    ],
)
def test_a_list_that_cannot_be_used_is_told(pytester: pytest.Pytester, ini: str, message: str) -> None:
    pytester.makeini(f"[pytest]\n{ini}")
    result = pytester.runpytest(*["--denorm"] * ("maybe" not in ini))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


@pytest.mark.parametrize("ini", ["", "denorm_pipelines = a = mydata:val\ndenorm_checks = x: off"])
def test_a_list_that_cannot_be_used_is_told_before_there_are_workers(project: pytest.Pytester, ini: str) -> None:
    pytest.importorskip("xdist")
    project.makeini(f"[pytest]\n{ini}")
    result = project.runpytest("--denorm", "-n2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "denorm_checks names 'x'" in result.stderr.str() or "no pipeline is listed" in result.stderr.str()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pipelines = 3", "[tool.denorm.pipelines] is 3: expected a table."),
        ("pipeline.val = 'm:v'", "[tool.denorm]: there is no key 'pipeline'. Did you mean 'pipelines'?"),
        ("pipelines.val = 3", "val is 3: expected a table."),
        ("pipelines.val.inverse = 'm:v'", "val: spec is None: expected module:attribute."),
        ("pipelines.val = {spec = 'm:v', inverse = 3}", "val: inverse is 3: expected module:attribute."),
        ("pipelines.val = {spec = 'm:v', skip = 3}", "val: skip is 3: expected names of checks."),
        ("pipelines.val = {spec = 'm:v', output_max = -1}", "val: output_max is -1: expected a number above 0."),
        ("pipelines.val = {spec = 'm:v', spce = 'a'}", "val: there is no key 'spce'. Did you mean 'spec'?"),
        ("pipelines.val = [", "pyproject.toml: Invalid value"),
    ],
)
def test_a_table_that_cannot_be_used_is_told(pytester: pytest.Pytester, text: str, message: str) -> None:
    pytester.makeini("[pytest]\n")
    (pytester.path / "pyproject.toml").write_text(f"[tool.denorm]\n{text}\n")
    result = pytester.runpytest("--denorm")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("nowhere:val", "nowhere:val: No module named 'nowhere'. Looked in "),
        ("mydat:val", "mydat:val: No module named 'mydat'. Did you mean 'mydata'?"),
        (
            "mydata:vall",
            "mydata:vall: mydata has no 'vall'. Did you mean 'val'? It has: T, MEAN, STD, val, inplace, make",
        ),
        ("mydata:val inverse=mydata:und", "mydata:und: mydata has no 'und'. It has: "),
        ("mydata", "'mydata' names no pipeline: expected module:attribute"),
    ],
)
def test_a_mistyped_spec_is_one_error(project: pytest.Pytester, entry: str, message: str) -> None:
    project.makeini(f"[pytest]\ndenorm_pipelines = v = {entry}")
    result = project.runpytest("--denorm", "-p", "no:randomly")
    result.assert_outcomes(failed=1, skipped=TOTAL - 1)
    assert message in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_a_pipeline_that_cannot_be_made_is_one_failure(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\ndenorm_pipelines = v = mydata:broken()")
    result = project.runpytest("--denorm", "-p", "no:randomly")
    result.assert_outcomes(failed=1, skipped=TOTAL - 1)
    said = result.stdout.str()
    assert "\nmydata:broken(): calling it raised OSError: no data\n" in said
    assert "FAILED tox.ini::v::finds_normalize - mydata:broken(): calling it raised OSErr" in said
    assert "Traceback" not in said


def test_a_factory_that_raises_is_taken_for_what_it_is(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\ndenorm_pipelines = v = mydata:broken")
    result = project.runpytest("--denorm", "-p", "no:randomly", "-k", "finds_normalize")
    result.assert_outcomes(failed=1)
    assert "mydata:broken() raised OSError: no data. mydata:broken itself was taken." in " ".join(result.outlines)


STANDARDIZED = """
import torch
from torchvision import transforms as T

class Pictures:
    def __init__(self):
        self.transform = T.Normalize([0.1] * 3, [0.05] * 3)

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return self.transform(torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(index)))

dataset = Images()
"""


@pytest.mark.parametrize(
    ("level", "outcomes"),
    [
        ("", {"passed": 1, "warnings": 1}),
        ("dataset_is_standardized: warning", {"passed": 1, "warnings": 1}),
        ("dataset_is_standardized: error", {"failed": 1}),
        ("dataset_is_standardized: off", {}),
    ],
)
@pytest.mark.parametrize("errors", [False, True], ids=["", "-W error"])
def test_a_warning_fails_nothing_unless_the_project_asks(
    pytester: pytest.Pytester, level: str, outcomes: dict[str, int], errors: bool
) -> None:
    pytester.makepyfile(
        mydata=STANDARDIZED,
        test_it="""
        from mydata import dataset
        from pytest_denorm import parametrize_with_checks

        @parametrize_with_checks({"train": dataset}, select=["dataset_is_standardized"])
        def test_train(denorm_check):
            denorm_check()
        """,
    )
    filters = "filterwarnings = error" if errors else ""
    pytester.makeini(f"[pytest]\n{filters}\ndenorm_checks = {level}\ndenorm_pipelines = train = mydata:dataset")
    result = pytester.runpytest("--denorm", "-k", "dataset_is_standardized", "-p", "no:randomly")
    found = result.parseoutcomes()
    off = {"skipped": 1} if "off" in level else {}  # the test's own item
    twice = {key: 2 * count for key, count in outcomes.items()}
    assert {key: found[key] for key in found if key != "deselected"} == {**twice, **off}
    if "warnings" in outcomes:
        result.stdout.fnmatch_lines(["*VerificationWarning: train: *"])


def test_a_report_shows_its_warnings_where_it_is_asserted(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        mydata=STANDARDIZED,
        test_it="""
        from mydata import dataset

        def test_train(denorm):
            denorm.check(dataset, select=["dataset_is_standardized"], name="train").raise_for_failures()
        """,
    )
    result = pytester.runpytest("-W", "error")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*test_it.py:4: VerificationWarning: train: *"])


def test_frames_of_the_plugin_are_in_no_traceback(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest_denorm
        from mydata import val
        from pytest_denorm import parametrize_with_checks

        def undo(y):
            raise ValueError("not today")

        def test_fixture(denorm):
            denorm.assert_round_trip(val, inverse=undo)

        def test_function():
            pytest_denorm.check(val, inverse=undo).raise_for_failures()

        def test_refused():
            pytest_denorm.check(val, select=["x"])

        @parametrize_with_checks({"val": val}, inverse=undo, select=["round_trip"])
        def test_checks(denorm_check):
            denorm_check()
        """
    )
    result = project.runpytest("-p", "no:randomly")
    result.assert_outcomes(failed=4)
    said = result.stdout.str()
    assert "pytest_denorm/" not in said.replace(str(project.path), "")
    assert "again: pytest 'test_frames_of_the_plugin_are_in_no_traceback.py::test_checks[val-round_trip]'" in said


def test_own_pictures_take_the_place_of_the_built_in_ones(project: pytest.Pytester) -> None:
    from PIL import Image

    folder = project.mkdir("pictures")
    for index, color in enumerate(["red", "blue"]):
        Image.new("RGB", (9, 7), color).save(folder / f"{index}.png")
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
    result.stdout.fnmatch_lines(["*SettingsError: denorm_images is *nowhere: expected an image, or a folder*"])


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
