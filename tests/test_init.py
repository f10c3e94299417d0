"""``pytest-denorm init``: what it finds, what it prints, what it writes, and what it leaves alone."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from pytest_denorm.checks import CHECKS
from pytest_denorm.cli.candidates import find_candidates
from pytest_denorm.cli.main import main
from pytest_denorm.core.ini import find_ini

DATA = """
import torchvision.transforms as T

normalize = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
val_transform = T.Compose([T.ToTensor(), normalize])
train_transform: T.Compose = T.Compose([T.RandomHorizontalFlip(), T.ToTensor(), normalize])
"""

VIZ = """
import torch
from .data import normalize

def unnormalize(y):
    return y * torch.tensor(normalize.std).view(-1, 1, 1) + torch.tensor(normalize.mean).view(-1, 1, 1)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A flat project with a package ``shop``, and no ini."""
    (tmp_path / "requirements.txt").write_text("torch")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "data.py").write_text(DATA)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


TEST = '''\
"""Normalize can be undone: checked by pytest-denorm."""

from pytest_denorm import parametrize_with_checks

from shop.data import train_transform, val_transform


# with an inverse of your own: parametrize_with_checks({...}, inverse=undo)
@parametrize_with_checks(
    {
        "val_transform": val_transform,
        "train_transform": train_transform,
    }
)
def test_normalize_can_be_undone(denorm_check):
    denorm_check()
'''

PRINTED = """\
2 pipelines:
  shop.data:val_transform
  shop.data:train_transform

Either list them in pytest.ini, and run pytest --denorm:

    [pytest]
    pythonpath =
        .
    denorm_pipelines =
        val_transform = shop.data:val_transform
        train_transform = shop.data:train_transform

Or have a test of them, which pytest-denorm init --yes writes into tests/test_denorm.py:

"""


@pytest.mark.parametrize("arguments", [[], ["--dry-run"]])
def test_it_prints_what_to_paste_and_writes_nothing(
    project: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(project)
    assert main(["init", *arguments]) == 0
    indented = "".join(f"    {line}".rstrip() + "\n" for line in TEST.splitlines())
    assert capsys.readouterr().out == PRINTED + indented
    assert files_of(project) == before


def test_it_writes_the_test_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ini = "[pytest]\naddopts = -q\n"
    (project / "pytest.ini").write_text(ini)
    assert main(["init", "--yes"]) == 0
    assert capsys.readouterr().out.endswith(
        "\nWritten: tests/test_denorm.py. Now run: pytest tests/test_denorm.py\n\n"
        "Add to pytest.ini, so that pytest finds the modules:\n\n    [pytest]\n    pythonpath =\n        .\n"
    )
    assert (project / "tests" / "test_denorm.py").read_text() == TEST
    assert (project / "pytest.ini").read_text() == ini
    assert main(["init", "--yes"]) == 0  # the same once more


def test_a_test_of_yours_is_left_as_it_is(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "tests").mkdir()
    (project / "tests" / "test_denorm.py").write_text("# mine\n")
    assert main(["init", "--yes"]) == 1
    out = capsys.readouterr().out
    assert "tests/test_denorm.py is there already, and is left as it is. These are the lines:\n\n" in out
    assert out.endswith(TEST)
    assert (project / "tests" / "test_denorm.py").read_text() == "# mine\n"


LAYOUTS = {
    "flat": {"data.py": DATA, "pytest.ini": "[pytest]\n"},
    "src": {"src/shop/__init__.py": "", "src/shop/data.py": DATA, "pyproject.toml": "[project]\nname = 'a'\n"},
    "inverse": {"shop/__init__.py": "", "shop/data.py": DATA, "shop/viz.py": VIZ, "setup.cfg": "[tool:pytest]\n"},
}


@pytest.mark.parametrize(("layout", "way"), [("flat", "ini"), ("src", "test"), ("inverse", "test"), ("inverse", "ini")])
def test_what_it_says_passes(
    pytester: pytest.Pytester, layout: str, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in LAYOUTS[layout].items():
        (pytester.path / name).parent.mkdir(parents=True, exist_ok=True)
        (pytester.path / name).write_text(text)
    capsys.readouterr()
    assert main(["init", *["--yes"] * (way == "test")]) == 0
    ini = find_ini(pytester.path)
    printed = capsys.readouterr().out
    start = printed.index(f"    [{ini.section}]")
    pasted = [line[4:] for line in printed[start:].partition("\n\n")[0].splitlines()]
    before = ini.text or ""
    if f"[{ini.section}]" in before:
        pasted = pasted[1:]
    ini.path.write_text("\n".join([before.rstrip(), *pasted, ""]))
    flags = ["--denorm"] * (way == "ini")
    total = 2 * len(CHECKS) + (way == "test")  # one more holds both pipelines against each other
    result = pytester.runpytest_subprocess("-p", "no:randomly", *flags)
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] + outcomes["skipped"] == total, result.stdout.str()
    if layout == "inverse":
        assert "and its inverse shop.viz:unnormalize" in printed


def test_pipelines_that_are_named_take_the_place_of_those_found(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "shop" / "more.py").write_text("def make():\n    from .data import val_transform as v\n    return v\n")
    specs = ["--pipeline", "shop.more:make()", "--pipeline", "shop.data:normalize"]
    assert main(["init", "--yes", *specs]) == 0
    text = (project / "tests" / "test_denorm.py").read_text()
    assert '        "make": make(),\n        "normalize": normalize,\n' in text
    assert "from shop.data import normalize\nfrom shop.more import make\n" in text


def test_each_inverse_has_a_test_of_its_pipelines(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "shop" / "viz.py").write_text(VIZ)
    (project / "other.py").write_text(
        DATA + "class UnNormalize:\n    def __init__(self, std=1): ...\n    def __call__(self, y): ...\n"
        "test_transform = T.Compose([normalize])\n"
    )
    assert main(["init"]) == 0
    assert "val_transform = shop.data:val_transform  inverse=shop.viz:unnormalize\n" in capsys.readouterr().out.replace(
        "shop_data_", ""
    )
    assert main(["init", "--yes"]) == 0
    text = (project / "tests" / "test_denorm.py").read_text()
    names = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    assert names == ["test_normalize_can_be_undone_by_UnNormalize", "test_normalize_can_be_undone_by_unnormalize"]
    assert "    inverse=UnNormalize(),\n" in text
    assert "test_transform as other_test_transform" in text  # pytest takes it for no test
    assert '        "test_transform": other_test_transform,\n' in text


def test_names_that_two_modules_have_are_told_apart(project: Path) -> None:
    (project / "shop" / "other.py").write_text(DATA)
    assert main(["init", "--yes"]) == 0
    text = (project / "tests" / "test_denorm.py").read_text()
    assert "from shop.other import train_transform as shop_other_train_transform, val_transform as shop" in text
    assert '"shop_data_val_transform": shop_data_val_transform,' in text
    ast.parse(text)


def test_the_test_goes_where_tests_are(project: Path) -> None:
    (project / "checks").mkdir()
    (project / "pytest.ini").write_text("[pytest]\ntestpaths = checks\n")
    assert main(["init", "--yes"]) == 0
    assert (project / "checks" / "test_denorm.py").exists()


# refusals


@pytest.mark.parametrize(
    ("files", "arguments", "message"),
    [
        ({}, [], "is not the root of a project: expected one of pyproject.toml, setup.cfg, setup.py, tox.ini,"),
        ({"requirements.txt": ""}, ["--folder", "nowhere"], "nowhere is no folder: expected one of"),
        ({"requirements.txt": "", "a.py": "x = 1"}, [], "no pipeline was found in 1 Python file(s) of"),
        ({"requirements.txt": "", "bad.py": "x ="}, [], "bad.py: cannot be read: invalid syntax"),
        ({"requirements.txt": ""}, ["--pipeline", "shop"], "--pipeline shop: expected module:attribute, or module:fun"),
        ({"pyproject.toml": "x ="}, ["--pipeline", "a:b"], "pyproject.toml cannot be read: Invalid value"),
        ({"pytest.ini": "x"}, ["--pipeline", "a:b"], "pytest.ini cannot be read: "),
    ],
)
def test_what_it_refuses(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    files: dict[str, str],
    arguments: list[str],
    message: str,
) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name, text in files.items():
        (folder / name).write_text(text)
    before = files_of(folder)
    assert main(["init", "--yes", *arguments]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert files_of(folder) == before


def test_a_folder_inside_a_project_is_told_its_root(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project / "shop")
    assert main(["init"]) == 2
    assert f"It may be {project}." in " ".join(capsys.readouterr().err.split())


# the ini


def test_the_file_that_pytest_reads_is_taken(pytester: pytest.Pytester) -> None:
    texts = {
        "setup.cfg": "[tool:pytest]\naddopts = -q\n",
        "tox.ini": "[pytest]\naddopts = -q\n",
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-q'\n",
        ".pytest.ini": "[pytest]\naddopts = -q\n",
        "pytest.ini": "[pytest]\naddopts = -q\n",
    }
    for name, text in texts.items():  # each stronger than those before it
        (pytester.path / name).write_text(text)
        assert find_ini(pytester.path).path == pytester.path / name
        assert pytester.parseconfig().inipath == pytester.path / name
    if pytest.version_tuple >= (9, 0):
        (pytester.path / "pytest.toml").write_text("[pytest]\n")
        assert find_ini(pytester.path).path.name == "pytest.toml"
        assert pytester.parseconfig().inipath == pytester.path / "pytest.toml"


def test_files_without_a_section_of_pytest_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "tox.ini").write_text("[tox]\n")
    (tmp_path / "setup.cfg").write_text("[metadata]\n")
    assert find_ini(tmp_path).path == tmp_path / "pytest.ini"
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    assert find_ini(tmp_path).path == tmp_path / "pyproject.toml"


# finding


def found_in(tmp_path: Path, text: str, name: str = "m.py") -> list[str]:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    return [one.spec or f"{one.module}:{one.name}{one.suffix}" for one in find_candidates(tmp_path).candidates]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a = T.Compose([T.ToTensor(), T.Normalize(m, s)])", ["a"]),
        ("a = b = v2.Normalize(mean=m, std=s)", ["a"]),
        ("a: Compose = Compose([ToTensor(), Normalize(m, s)])", ["a"]),
        ("n = T.Normalize(m, s)\na = T.Compose([T.ToTensor(), n])", ["a"]),
        ("a = nn.Sequential(K.Resize(3), K.Normalize(m, s))", ["a"]),
        ("w = ResNet50_Weights.DEFAULT\na = w.transforms()", ["a"]),
        ("a = timm.data.create_transform(224)", ["a"]),
        ("a = AutoImageProcessor.from_pretrained('x')", ["a"]),
        ("a = {'train': T.Compose([T.Normalize(m, s)]), 'raw': T.ToTensor(), k: T.Normalize(m, s)}", ["a['train']"]),
        ("def make(size=3, *, crop=True):\n    return T.Compose([T.Normalize(m, s)])", ["make()"]),
        ("def make():\n    t = T.Compose([T.Normalize(m, s)])\n    return t", ["make()"]),
        ("def make(train):\n    return T.Compose([T.Normalize(m, s)])\na = make(True)\nb = make(False)", ["a", "b"]),
        ("def make(n=1):\n    return T.Normalize(m, s)\na = make()", ["a"]),
        ("def make():\n    x = [T.ToTensor()]\n    x.append(T.Normalize(m, s))\n    return T.Compose(x)", ["make()"]),
        ("def make():\n    if a:\n        return T.Normalize(m, s)\n    return Compose([Normalize(m, s)])", ["make()"]),
        ("class A:\n    @staticmethod\n    def make():\n        return T.Normalize(m, s)", ["A.make()"]),
        ("class A:\n    @classmethod\n    def make(cls, n=3):\n        return T.Normalize(m, s)", ["A.make()"]),
        ("class A:\n    @classmethod\n    def make(cls, n):\n        return T.Normalize(m, s)\na = A.make(3)", ["a"]),
        ("a = T.Compose([T.ToTensor()])", []),
        ("a = T.Compose([T.Normalize(m, s)])\na = None", []),
        ("_a = T.Normalize(m, s)", []),
        ("inv_normalize = T.Normalize(m, s)", []),
        ("def denormalize():\n    return T.Normalize(m, s)", []),
        ("class A:\n    def make(self):\n        return T.Normalize(m, s)", []),
        ("def make(size):\n    return T.Normalize(m, s)", []),
        ("def make(*, size):\n    return T.Normalize(m, s)", []),
        ("def make():\n    if a:\n        return None\n    return T.Normalize(m, s)", []),
        ("@fixture\ndef make():\n    return T.Normalize(m, s)", []),
        ("def make():\n    def inner():\n        return T.Normalize(m, s)", []),
        ("if True:\n    a = T.Normalize(m, s)", []),
        ("a = transforms()\nb = tokenizer.from_pretrained('x')\nc = x.Compose", []),
    ],
)
def test_what_counts_as_a_pipeline(tmp_path: Path, text: str, names: list[str]) -> None:
    assert found_in(tmp_path, text) == [f"m:{name}" for name in names]


@pytest.mark.parametrize("line", ["from .aug import build", "from pkg import aug", "import pkg.aug as aug"])
def test_a_pipeline_may_be_made_in_another_module(tmp_path: Path, line: str) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").touch()
    (tmp_path / "pkg" / "aug.py").write_text("def build(train):\n    return T.Compose([T.Normalize(m, s)])\n")
    call = "build(train=False)" if "build" in line else "aug.build(False)"
    assert found_in(tmp_path, f"{line}\nval = {call}\n", "pkg/data.py") == ["pkg.data:val"]


INVERSES = {
    "a function": ("def denormalize(x, mean=M): ...", "denormalize"),
    "a lambda": ("undo = lambda y: y * s + m", "undo"),
    "an object": ("inv_normalize = T.Normalize(m, s)", "inv_normalize"),
    "a class": ("class UnNormalize:\n    def __call__(self, y): ...", "UnNormalize()"),
    "a module": (
        "class Denormalize(Module):\n    def __init__(self): ...\n    def forward(self, y): ...",
        "Denormalize()",
    ),
    "an image": ("def tensor2im(x, imtype=np.uint8): ...", "tensor2im"),
    "the surest": ("def to_image(x): ...\ndef unnorm(x): ...", "unnorm"),
    "one that wants more": ("def denormalize(x, mean, std): ...", None),
    "a class that wants more": (
        "class UnNormalize:\n    def __init__(self, m): ...\n    def __call__(self, y): ...",
        None,
    ),
    "another name": ("def show(x): ...", None),
}


@pytest.mark.parametrize("name", INVERSES)
def test_an_inverse_is_told_by_its_name(tmp_path: Path, name: str) -> None:
    text, inverse = INVERSES[name]
    (tmp_path / "m.py").write_text(f"{text}\nval = T.Normalize(m, s)\n")
    (found,) = find_candidates(tmp_path).candidates
    assert (found.inverse and found.inverse.spec) == (inverse and f"m:{inverse}")


@pytest.mark.parametrize(
    ("files", "paired"),
    [
        ({"viz.py": "from data import val\ndef undo(y): ..."}, True),
        ({"data.py": "from viz import undo\nval = T.Normalize(m, s)", "viz.py": "def undo(y): ..."}, True),
        ({"viz.py": "def undo(y): ...", "app.py": "import viz\nfrom data import val"}, True),
        ({"viz.py": "def undo(y): ..."}, False),
    ],
    ids=["of the pipeline's", "in the pipeline's", "beside it", "apart"],
)
def test_an_inverse_belongs_to_a_pipeline_that_is_imported_with_it(
    tmp_path: Path, files: dict[str, str], paired: bool
) -> None:
    for name, text in {"data.py": "val = T.Normalize(m, s)", **files}.items():
        (tmp_path / name).write_text(text)
    found = find_candidates(tmp_path)
    assert [one.inverse is not None for one in found.candidates] == [paired]
    assert [one.spec for one in found.spare] == ([] if paired else ["viz:undo"])


@pytest.mark.parametrize(
    "name",
    ["tests/m.py", "test_m.py", "m_test.py", "conftest.py", "setup.py", ".hidden/m.py", "env/lib/m.py", "build/m.py"],
)
def test_where_it_does_not_look(tmp_path: Path, name: str) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    assert found_in(tmp_path, DATA, name) == []


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("train.py", DATA + "main()\n", "has val_transform, train_transform, but line 7 does work when"),
        ("train.py", DATA + "for x in y:\n    pass\n", "line 7 does work when the module is imported"),
        ("my-data.py", DATA, "its name cannot be imported"),
        ("code/data.py", DATA, "code is a module of Python itself"),
    ],
)
def test_what_is_left_out_says_why(tmp_path: Path, name: str, text: str, reason: str) -> None:
    assert found_in(tmp_path, text, name) == []
    ((file, said),) = find_candidates(tmp_path).left_out
    assert file == tmp_path / name
    assert reason in said


def test_nothing_of_the_project_is_run(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "shop" / "data.py").write_text(DATA + "\nopen('ran', 'w').close()\n")
    (project / "shop" / "__init__.py").write_text("open('ran', 'w').close()\n")
    assert main(["init"]) == 0
    assert not (project / "ran").exists()
    assert "shop.data" not in sys.modules


def test_each_pipeline_has_the_inverse_that_undoes_it(tmp_path: Path) -> None:
    (tmp_path / "data.py").write_text(
        "MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)\n"
        "def build(size=32):\n    return T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])\n"
        "imagenet = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])\n"
    )
    (tmp_path / "viz.py").write_text(
        "import numpy as np\nfrom data import MEAN, STD\n"
        "def to_display(x):\n    return np.clip(x.numpy().transpose(1, 2, 0) * STD + MEAN, 0, 1)\n"
        "def unnorm(x):\n    return x * np.array([0.229, 0.224, 0.225]) + np.array([0.485, 0.456, 0.406])\n"
    )
    found = find_candidates(tmp_path)
    assert {one.spec: one.inverse and one.inverse.spec for one in found.candidates} == {
        "data:build()": "viz:to_display",
        "data:imagenet": "viz:unnorm",
    }
