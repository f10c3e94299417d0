"""The command line."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from pytest_denorm.checks import CHECKS
from pytest_denorm.cli.main import build_parser, main
from pytest_denorm.cli.terminal import wants_colors

MODULE = """
import torch
from torchvision import transforms as T

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
val = T.Compose([T.Resize(32), T.CenterCrop(32), T.ToTensor(), T.Normalize(MEAN.tolist(), STD.tolist())])
forward = val.transforms[-1]

def right(y):
    return y * STD.view(-1, 1, 1) + MEAN.view(-1, 1, 1)

def wrong(y):
    return y * torch.tensor([0.229, 0.224, 0.255]).view(-1, 1, 1) + MEAN.view(-1, 1, 1)

def none(y):
    return None

def undo_mnist(y):
    return y * 0.3081 + 0.1307

def undo_bytes(y):
    return y * 64 + 128

def make():
    return val

def interrupted():
    raise KeyboardInterrupt

pictures = [torch.arange(768).view(3, 16, 16).mul(i).to(torch.uint8) for i in (1, 3, 5, 7)]
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that can be imported from the working folder."""
    name = f"cli_data_{tmp_path.name}".replace("-", "_").replace("[", "_").replace("]", "_")
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return name


def test_check_says_that_a_pipeline_is_verified(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{module}:val"]) == 0
    out = capsys.readouterr().out
    where = "Compose.transforms[3]: torchvision.transforms.Normalize"
    assert out == f"{module}:val: {where}: {len(CHECKS) - 1} checks passed, 1 did not apply\n"
    assert main(["check", f"{module}:make", "--verbose", "--skip", "picklable"]) == 0
    lines = capsys.readouterr().out.splitlines()
    said = " ".join(" ".join(lines).split())
    assert said.startswith(f"pytest-denorm: {module}:make: {where} mean (0.485, ")
    assert f" inverse: derived {module}:make is a factory. {module}:make() was taken. ok " in said
    assert "  skip  picklable                  left out as asked" in lines
    assert max(map(len, lines)) <= 80


def test_check_of_a_wrong_inverse_fails(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{module}:val", "--inverse", f"{module}:wrong", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["ok"]
    assert report["diagnosis"]["kind"] == "wrong-std"


def test_checks_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "imagenet", "--select", "round_trip", "--select", "bytes_exact"]) == 0
    assert ": 2 checks passed" in capsys.readouterr().out
    assert main(["check", "imagenet", "--select", "roundtrip"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "select names 'roundtrip', which is no check. Did you mean 'round_trip'?" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--mean", "0.5", "--std", "0.25"],
        ["check", "--mean", "123.675", "116.28", "103.53", "--std", "58.395", "57.12", "57.375", "--pixel-max", "255"],
        ["check", "ResNet18_Weights.DEFAULT"],
    ],
)
def test_statistics_and_weights_are_specs(arguments: list[str]) -> None:
    assert main(arguments) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "give either SPEC, or --mean and --std."),
        (["check", "imagenet", "--mean", "1"], "give either SPEC, or --mean and --std."),
        (["check", "--mean", "0.5", "0.5", "--std", "0.5"], "mean has 2 numbers, std has 1 number"),
        (["check", "--mean", "0.5", "--std", "0"], "std[0] is 0: Normalize would divide by zero"),
        (["check", "imagnet"], "no preset is named 'imagnet'"),
        (["check", "ResNet18_Weights.NONE"], "'ResNet18_Weights.NONE' names no torchvision weights"),
        (["check", "nowhere:val"], "nowhere:val: No module named 'nowhere'"),
    ],
)
def test_what_cannot_be_used_exits_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("NAME.val", "NAME:val"),
        ("NAME.val.transforms", "NAME:val.transforms"),
        ("NAME.make()", "NAME:make()"),
        ("NAME.py", "NAME:NAME"),
        ("package.data.val", "package.data:val"),
        ("package.val", "package:val"),
        ("package.data", "package.data:NAME"),
        ("inner.data.val", "inner.data:val"),
    ],
)
def test_a_dot_for_the_colon_is_told(
    module: str, tmp_path: Path, written: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("package", "src/inner"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "__init__.py").touch()
        (tmp_path / folder / "data.py").write_text(MODULE)
    spec = written.replace("NAME", module)
    assert main(["check", spec]) == 2
    hint = meant.replace("NAME", module, 1) if "NAME" in written else meant
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith(
        f"pytest-denorm: {spec!r} names no pipeline: expected module:attribute, or torchvision weights such as "
        f"ResNet50_Weights.DEFAULT. Did you mean {hint!r}? There is {tmp_path}/"
    )
    (tmp_path / "setup.py").touch()
    assert main(["init", "--folder", str(tmp_path), "--pipeline", spec]) == 2
    assert f"Did you mean {hint!r}?" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        (
            "ResNet50_Weights.DEFAUL",
            "Did you mean 'ResNet50_Weights.DEFAULT'? ResNet50_Weights has IMAGENET1K_V1, IMAGENET1K_V2, DEFAULT.",
        ),
        ("ResNet50_Weight.DEFAULT", "Did you mean 'ResNet50_Weights.DEFAULT'?"),
        ("fasterrcnn_resnet50_fpn_weights.coco_v1", "Did you mean 'FasterRCNN_ResNet50_FPN_Weights.COCO_V1'?"),
        ("nowhere.val", "An object of a module is named with a colon, module:attribute."),
        ("cat.jpg", "An object of a module is named with a colon, module:attribute."),
    ],
)
def test_weights_that_do_not_exist_are_told_with_the_nearest(
    spec: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", spec]) == 2
    assert " ".join(capsys.readouterr().err.split()) == f"pytest-denorm: {spec!r} names no torchvision weights. {hint}"


def test_weights_are_told_first_beside_a_module_of_such_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_weights.py").touch()
    assert main(["check", "my_weights.val"]) == 2
    assert " ".join(capsys.readouterr().err.split()) == (
        "pytest-denorm: 'my_weights.val' names no torchvision weights. Did you mean 'my_weights:val'? "
        f"There is {tmp_path}/my_weights.py."
    )


@pytest.mark.parametrize(
    ("name", "ini", "found"),
    [
        ("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["code"]\n', True),
        ("pytest.ini", "[pytest]\npythonpath = code\n", True),
        ("pytest.ini", "[pytest\n", False),
        ("setup.py", "", False),
    ],
)
def test_commands_import_from_where_pytest_is_told_to(
    name: str,
    ini: str,
    found: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / name).write_text(ini)
    module = f"{tmp_path.name}_data"
    for folder in ("code", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / "code" / f"{module}.py").write_text(MODULE)
    for folder in ("", "elsewhere"):  # an ini above is pytest's too
        monkeypatch.chdir(tmp_path / folder)
        assert main(["check", f"{module}:val", "--select", "round_trip"]) == (0 if found else 2)
        assert main(["stats", f"{module}:nothing"]) == 2
        said = " ".join(capsys.readouterr().err.split())
        assert (f"{module} has no 'nothing'" if found else f"No module named {module!r}") in said


def test_diagnose_names_the_mistake(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", f"{module}:forward", f"{module}:right"]) == 0
    assert capsys.readouterr().out == "exact: the image comes back: all 768 levels come back.\n"
    assert main(["diagnose", f"{module}:forward", f"{module}:wrong"]) == 1
    assert "blue std is 0.255 where the pipeline has 0.225" in " ".join(capsys.readouterr().out.split())
    assert main(["diagnose", f"{module}:forward", f"{module}:wrong", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["kind"] == "wrong-std"


def test_show_draws_three_rows(module: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from photographs import photographs

    files = []
    for index, photograph in enumerate((photographs() * 5)[:5]):
        files.append(str(tmp_path / f"{index}.png"))
        photograph.save(files[-1])
    out = tmp_path / "look.png"
    assert main(["show", f"{module}:val", *files, "-o", str(out)]) == 0
    assert main(["show", f"{module}:val", *files, "-o", str(tmp_path / "new/folder/look.png")]) == 0
    assert (tmp_path / "new/folder/look.png").read_bytes() == out.read_bytes()
    with Image.open(out) as image:
        assert image.mode == "RGB"
        assert image.size == (5 * 33 + 1, 3 * (34 + 16))
    capsys.readouterr()
    assert main(["show", "imagenet", str(tmp_path / "none.png"), "-o", str(out)]) == 2
    assert "none.png" in "".join(capsys.readouterr().err.split())


SHOWN = {
    "module:attribute": ["{module}:val"],
    "module:function()": ["{module}:make()"],
    "weights": ["ResNet18_Weights.DEFAULT"],
    "preset": ["imagenet"],
    "numbers": ["--mean", "0.485", "0.456", "0.406", "--std", "0.229", "0.224", "0.225"],
}


@pytest.mark.parametrize("form", SHOWN)
def test_every_form_of_spec_on_every_command(
    module: str, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from photographs import photographs

    def run(command: str, *more: str, first: tuple[str, ...] = ()) -> str:
        spec = [word.format(module=module) for word in SHOWN[form]]
        # numbers go on until the next option, so that what is no number comes before them
        arguments = [*spec, *first, *more] if form != "numbers" else [*first, *more, *spec]
        assert main([command, *arguments]) == 0, capsys.readouterr()
        return capsys.readouterr().out

    assert ": 2 checks passed" in run("check", "--select", "round_trip", "--select", "bytes_exact")
    assert run("diagnose", first=(f"{module}:right",)).startswith("exact: ")
    photographs()[0].save(tmp_path / "photo.png")
    assert run("show", "-o", "look.png", first=("photo.png",)) == "look.png\n"
    assert "0 of 3,072 levels wrong" in run("sweep", "--dataset", f"{module}:pictures", "--quiet")


def test_a_pipeline_of_another_scale_or_with_one_channel_is_diagnosed_as_it_declares(
    module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diagnose", "mnist", f"{module}:undo_mnist", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total_levels"] == 256
    numbers = ["--mean", "128", "128", "128", "--std", "64", "64", "64", "--pixel-max", "255"]
    assert main(["diagnose", f"{module}:undo_bytes", *numbers]) == 0


def test_stats_takes_data_alone(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", f"{module}:pictures", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("4 images, 16 x 16 px, 3 channels")
    assert main(["stats", "imagenet"]) == 2
    assert "'imagenet' names no data: expected module:attribute" in capsys.readouterr().err


def test_json_on_every_command_that_finds_something(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, key, value in (
        (["check", "imagenet", "--select", "round_trip"], "ok", True),
        (["diagnose", "imagenet", f"{module}:right"], "kind", "exact"),
        (["stats", f"{module}:pictures", "--quiet"], "pictures", 4),
        (["sweep", "imagenet", "--dataset", f"{module}:pictures", "--quiet"], "pictures", 4),
    ):
        assert main([*arguments, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)[key] == value


LOUD = """
import multiprocessing, os
from torchvision import transforms
import torch

print("at import", flush=True)
os.system("echo by another program")
multiprocessing.set_start_method("{method}", force=True)

class Pictures:
    def __len__(self):
        return 4

    def __getitem__(self, index):
        print("image", index, "of", os.getpid(), flush=True)
        return torch.full((3, 4, 4), index, dtype=torch.uint8)

def make():
    print("made")
    return Pictures()

def undo(y):
    print("undone")
    return y
"""


@pytest.mark.parametrize(
    ("arguments", "method"),
    [
        (["stats", "loud:make()"], "fork"),
        (["sweep", "imagenet", "--dataset", "loud:make()", "--inverse", "loud:undo", "--workers", "1"], "fork"),
        (["stats", "loud:make()", "--workers", "2"], "spawn"),  # which imports the module again
        (["check", "imagenet", "--inverse", "loud:undo"], "fork"),
    ],
    ids=["stats", "sweep", "stats-spawn", "check"],
)
def test_what_the_user_s_code_prints_is_no_part_of_the_result(
    arguments: list[str], method: str, tmp_path: Path
) -> None:
    (tmp_path / "loud.py").write_text(LOUD.replace("{method}", method))
    command = [sys.executable, "-m", "pytest_denorm", *arguments]
    found = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert isinstance(json.loads(found.stdout), dict), found
    assert {"at import", "by another program"} < set(found.stderr.splitlines())
    assert ("image 3 of " in found.stderr) == (arguments[0] != "check")
    assert ("\nundone\n" in found.stderr) == ("loud:undo" in arguments)


def test_what_is_printed_for_people_is_the_result_alone_too(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(LOUD.replace("{method}", "fork"))
    command = [sys.executable, "-m", "pytest_denorm", "stats", "loud:make()"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert found.stdout.startswith("4 images, 4 x 4 px, 3 channels")
    assert "stats: 4 of 4 images" in found.stderr


@pytest.mark.parametrize("arguments", [["check", "imagenet", "--json"], ["--help"]])
def test_a_closed_standard_output_is_told(arguments: list[str]) -> None:
    command = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "pytest_denorm", *arguments]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (2, "")
    assert " ".join(found.stderr.split()) == (
        "pytest-denorm: standard output is closed: there is nowhere to print a result. Send it to a file or /dev/null."
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["check", "nope:val"], 2, ""),
        (["check"], 2, ""),
        (["chek"], 2, ""),
        (["check", "imagenet"], 0, "imagenet: preset imagenet: "),
        (["stats", "NAME:pictures"], 0, "4 images, "),
    ],
)
def test_a_closed_standard_error_changes_neither_code_nor_result(
    module: str, arguments: list[str], code: int, said: str
) -> None:
    given = [one.replace("NAME", module) for one in arguments]
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-m", "pytest_denorm", *given]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (code, "")
    assert found.stdout[: len(said) or None] == said


#: Of a machine that knows only the characters of English.
ASCII = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}


def test_what_the_output_cannot_show_is_written_out(tmp_path: Path) -> None:
    folder = tmp_path / "d\u00e9 \u00fc"
    folder.mkdir()
    (folder / "mine.py").write_text(MODULE)
    check = ["check", "mine:val", "--inverse", "mine:wrong", "--select", "round_trip", "--figure", "\u00fc.png"]
    command = [sys.executable, "-m", "pytest_denorm", *check]
    found = subprocess.run(command, capture_output=True, env=ASCII, check=False, cwd=folder)
    said = b" ".join((found.stdout + found.stderr).split())
    assert found.returncode == 1, found.stderr
    assert said.startswith(b"wrong-std: ")
    assert said.endswith(b"figure: \\udcc3\\udcbc.png")
    assert (folder / "\u00fc.png").is_file()


def test_files_are_written_in_utf_8_whatever_the_output_can_show(tmp_path: Path) -> None:
    ini = "[pytest]\n# gr\u00fc\u00dfe\n"
    (tmp_path / "pytest.ini").write_text(ini, encoding="utf-8")
    (tmp_path / "mine.py").write_text(MODULE)
    command = [sys.executable, "-m", "pytest_denorm", "init", "--yes"]
    found = subprocess.run(command, capture_output=True, env=ASCII, check=False, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert (tmp_path / "pytest.ini").read_text(encoding="utf-8") == ini


def test_check_draws_the_round_trip(module: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = ["check", f"{module}:val", "--inverse", f"{module}:wrong", "--select", "round_trip"]
    assert main([*wrong, "--figure", "trip.png"]) == 1
    assert capsys.readouterr().out.endswith("\nfigure: trip.png\n")
    with Image.open(tmp_path / "trip.png") as image:
        assert image.size[0] == 1000
    assert main([*wrong, "--figure", "again.png", "--json"]) == 1
    assert not json.loads(capsys.readouterr().out)["ok"]
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "trip.png").read_bytes()
    assert main(["check", f"{module}:STD", "--figure", "none.png"]) == 1
    assert "no figure: this report has no round trip to draw" in capsys.readouterr().err
    assert not (tmp_path / "none.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["diagnose", "imagenet"], "diagnose was given 1 SPEC: expected FORWARD and INVERSE."),
        (["diagnose", "a:b", "c:d", "--mean", "0", "--std", "1"], "expected INVERSE alone, because --mean and --std"),
        (["show", "imagenet", "-o", "look.png"], "there is no image to show: expected SPEC IMAGE [IMAGE ...]."),
        (
            ["show", "imagenet", "a.jpg", "-o", "look.jpg"],
            "the output is 'look.jpg': expected the name of a .png file.",
        ),
        (
            ["show", "cat.jpg", "-o", "look.png"],
            "there is no SPEC to show images with: 'cat.jpg' is the name of an image. Expected SPEC IMAGE "
            "[IMAGE ...], or IMAGE [IMAGE ...] with --mean and --std.",
        ),
        (["show", "a/CAT.JPG", "dog.jpg", "-o", "look.png"], "'a/CAT.JPG' is the name of an image. Expected SPEC"),
        (["show", "setup.py", "dog.jpg", "-o", "look.png"], "'setup.py' is a file. Expected SPEC IMAGE"),
        (["show", "imagenet", "a.png", "-o", "b.png", "--pixel-max", "255"], "--pixel-max goes with --mean and --std"),
        (["check", "imagenet", "--pixel-max", "255"], "--pixel-max goes with --mean and --std: a SPEC says itself"),
        (["sweep"], "give either SPEC, or --mean and --std."),
        (["check", "nowhere:val", "--figure", "x.jpg"], "the figure is 'x.jpg': expected the name of a .png file."),
        (["check", "imagenet", "--figure", "setup.py"], "the figure is 'setup.py': expected the name of a .png file."),
        (["check", "imagenet", "--select", "round_trip", "--figure", "setup.py/trip.png"], "cannot be written"),
    ],
)
def test_what_cannot_be_used_says_what_was_expected(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "setup.py").write_text("")
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert message in " ".join(printed.err.split())
    assert (tmp_path / "setup.py").read_text() == ""
    assert [one.name for one in tmp_path.iterdir()] == ["setup.py"]


COMMANDS = ("check", "diagnose", "show", "stats", "sweep", "init", "demo")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_the_terminal_and_ends_with_an_example(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit) as ended:
        main([*([command] if command else []), "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    examples = re.findall(r"^  pytest-denorm (.*)$", text.partition("\nexample")[2], re.MULTILINE)
    assert examples
    for example in examples:
        assert shlex.split(example)[0] in ([command] if command else COMMANDS)
        build_parser().parse_args(shlex.split(example))  # it would exit otherwise


def test_what_is_printed_fits_80_columns(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["check", f"{module}:val", "--inverse", f"{module}:wrong"],
        ["check", "imagnet"],
        ["diagnose", "imagenet", f"{module}:wrong"],
        ["diagnose", "imagenet", f"{module}:none"],
        ["stats", f"{module}:pictures", "--quiet"],
        ["sweep", "imagenet", "--dataset", f"{module}:pictures", "--inverse", f"{module}:wrong", "--quiet"],
        ["init"],
    ):
        main(arguments)
        printed = capsys.readouterr()
        for line in (printed.out + printed.err).splitlines():
            is_code = line.startswith(("Normalize(", "again: "))  # to be pasted
            assert len(line) <= 80 or " " not in line.strip() or is_code, line


def test_colors_are_for_terminals(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = (["check", f"{module}:val", "--inverse", f"{module}:wrong"], ["diagnose", "imagenet", f"{module}:wrong"])
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for command in commands:
        main(command)
        plain = capsys.readouterr().out
        assert "\033" not in plain
        monkeypatch.setenv("FORCE_COLOR", "1")
        main(command)
        painted = capsys.readouterr().out
        assert re.sub(r"\033\[[0-9;]*m", "", painted) == plain
        assert "\033[1;31mwrong-std\033[0m" in painted
        monkeypatch.setenv("NO_COLOR", "1")
        main(command)
        assert capsys.readouterr().out == plain
        monkeypatch.delenv("NO_COLOR")
        monkeypatch.delenv("FORCE_COLOR")


@pytest.mark.parametrize(
    ("environ", "terminal", "colors"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
    ],
)
def test_when_colors_are_wanted(environ: dict[str, str], terminal: bool, colors: bool) -> None:
    class Stream:
        def isatty(self) -> bool:
            return terminal

    assert wants_colors(Stream(), environ) is colors


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        (["check", "imagenet", "--select", "statistics_valid"], [141]),
        (["check", "--help"], [141, 0]),  # argparse itself passes over it where output is not buffered
    ],
)
def test_a_reader_that_goes_away_is_no_error(arguments: list[str], codes: list[int]) -> None:
    command = [sys.executable, "-m", "pytest_denorm", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode in codes


def test_an_interrupt_ends_without_a_traceback(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{module}:interrupted()"]) == 130
    assert capsys.readouterr().err == "pytest-denorm: interrupted\n"


def test_without_a_command_the_help_is_printed() -> None:
    result = subprocess.run([sys.executable, "-m", "pytest_denorm"], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    for command in COMMANDS:
        assert f"    {command} " in result.stdout


def test_the_version_is_the_package_s() -> None:
    import pytest_denorm

    result = subprocess.run(
        [sys.executable, "-m", "pytest_denorm", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout == f"pytest-denorm {pytest_denorm.__version__}\n"


def test_the_demo_shows_what_it_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "de mo"
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("BUILD_NUMBER", "7")
    command = [sys.executable, "-m", "pytest_denorm", "demo", "--folder", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    printed = [line.removeprefix("   $ ") for line in result.stdout.splitlines() if line.startswith("   $ ")]
    commands = ("pytest-denorm", "pytest", "pytest")
    assert [shlex.split(line)[:4] for line in printed] == [["cd", str(folder), "&&", one] for one in commands]
    assert "pipeline.py:34:1: DN102 inverse of `val_transform` (pipeline.py:12): blue std is 0.255" in result.stdout
    assert "wrong-std: blue std is 0.255 where the pipeline has 0.225" in result.stdout
    assert "1 updated" in result.stdout
    assert "0.224, 0.225]).view" in (folder / "pipeline.py").read_text()
    assert (folder / "results" / "test_pipeline.py.test_undo-round-trip.png").is_file()
    with Image.open(folder / "look.png") as image:
        assert image.size == (6 * 129 + 1, 3 * (130 + 16))
    assert (folder / "baseline_images" / "test_first_batch.png").is_file()

    (folder / "pipeline.py").write_text("# mine")
    assert main(["demo", "--folder", str(folder)]) == 2
    assert "pipeline.py is there already, and is not the demo's" in " ".join(capsys.readouterr().err.split())
    assert (folder / "pipeline.py").read_text() == "# mine"


def test_show_does_not_write_over_what_it_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = tmp_path / "a.png"
    Image.new("RGB", (8, 8), (9, 80, 200)).save(image)
    before = image.read_bytes()
    (tmp_path / "link.png").symlink_to(image)
    for output in ("a.png", "link.png"):
        assert main(["show", "imagenet", str(image), "-o", str(tmp_path / output)]) == 2
        assert "one of the images to show: expected another file." in " ".join(capsys.readouterr().err.split())
        assert image.read_bytes() == before


def test_usages_can_be_followed() -> None:
    for command, usage in (
        ("check", "pytest-denorm check [SPEC] [OPTIONS]"),
        ("diagnose", "pytest-denorm diagnose [FORWARD] INVERSE [OPTIONS]"),
        ("show", "pytest-denorm show [SPEC] IMAGE [IMAGE ...] -o FILE [OPTIONS]"),
    ):
        result = subprocess.run(
            [sys.executable, "-m", "pytest_denorm", command, "--help"], capture_output=True, text=True, check=True
        )
        assert f"usage: {usage}" in " ".join(result.stdout.split())
