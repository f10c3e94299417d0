"""The same for sessions and for the command line: what is given, the exit code, what is said."""

from __future__ import annotations

from typing import NamedTuple

import pytest

USAGE, FAILED = int(pytest.ExitCode.USAGE_ERROR), int(pytest.ExitCode.TESTS_FAILED)

#: A module of a project, to be named in specs.
PROJECT = """
import torch
from torchvision import transforms as T

val = T.Compose([T.ToTensor(), T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
images = [torch.full((3, 4, 4), 0.5)]
empty = []
number = 7
forward = val.transforms[-1]

def make():
    return val

def takes_one(argument):
    return val

def raises():
    raise OSError("no data today")

def inverse(y):
    raise ValueError("no inverse today")

class Holder:
    @property
    def val(self):
        raise RuntimeError("no attribute today")

holder = Holder()

def noisy():
    print("NOISE")
    return val
"""

OTHER_MODULES = {
    "raises_at_import.py": "raise RuntimeError('no import today')",
    "wrong_syntax.py": "def (:",
    "exits_at_import.py": "import sys\nsys.exit(3)",
    "prints_at_import.py": f"print('NOISE')\n{PROJECT}",
    "imports_missing.py": "import a_library_that_is_not_installed",
}


class Session(NamedTuple):
    """One session.

    Attributes:
        name: what is wrong.
        arguments: of pytest; PATH stands for the folder.
        ini: below ``[pytest]``.
        code: the exit code.
        says: what is printed.
    """

    name: str
    arguments: tuple[str, ...]
    says: tuple[str, ...]
    ini: str = ""
    code: int = USAGE


SESSIONS = [
    Session("--denorm without pipelines", ("--denorm",), ("no pipeline is listed", "denorm_pipelines =")),
    Session("a line without =", ("--denorm",), ("'val'", "name = module:attribute"), "denorm_pipelines = val"),
    Session("a line without a name", ("--denorm",), ("'= a:b'",), "denorm_pipelines =\n    = a:b"),
    Session(
        "a level that is none",
        ("--denorm",),
        ("denorm_checks", "maybe"),
        "denorm_pipelines = val = mydata:val\ndenorm_checks = round_trip: maybe",
    ),
    Session("a path to scan that is none", ("--denorm",), ("denorm_scan", "nowhere"), "denorm_scan = nowhere"),
    Session("a name twice", ("--denorm",), ("'a' is listed twice",), "denorm_pipelines =\n    a = m:x\n    a = m:y"),
    Session(
        "a spec without a colon",
        ("--denorm", "-k", "round_trip"),
        ("'mydata.val'", "module:attribute"),
        "denorm_pipelines = v = mydata.val",
        FAILED,
    ),
    Session(
        "no such module",
        ("--denorm", "-k", "round_trip"),
        ("nowhere:val", "'nowhere'"),
        "denorm_pipelines = v = nowhere:val",
        FAILED,
    ),
    Session(
        "no such attribute",
        ("--denorm", "-k", "round_trip"),
        ("has no 'vall'", "val"),
        "denorm_pipelines = v = mydata:vall",
        FAILED,
    ),
    Session(
        "a function that raises",
        ("--denorm", "-k", "round_trip"),
        ("OSError: no data today",),
        "denorm_pipelines = v = mydata:raises()",
        FAILED,
    ),
    Session(
        "a module that raises",
        ("--denorm", "-k", "round_trip"),
        ("raises_at_import", "RuntimeError: no import today"),
        "denorm_pipelines = v = raises_at_import:val",
        FAILED,
    ),
    Session(
        "a module that exits",
        ("--denorm", "-k", "round_trip"),
        ("exits_at_import", "SystemExit: 3"),
        "denorm_pipelines = v = exits_at_import:val",
        FAILED,
    ),
    Session(
        "an attribute that raises",
        ("--denorm", "-k", "round_trip"),
        ("RuntimeError: no attribute today",),
        "denorm_pipelines = v = mydata:holder.val",
        FAILED,
    ),
    Session("a number", ("--denorm", "-k", "finds"), ("int",), "denorm_pipelines = v = mydata:number", FAILED),
    Session(
        "the same as nobody",
        ("--denorm",),
        ("'train' is not in denorm_pipelines", "There are: v"),
        "denorm_pipelines = v = mydata:val\ndenorm_same = v train",
    ),
    Session("--denorm-pipeline=x", ("--denorm-pipeline=x", "-k", "pipeline"), ("'x'", "module:attribute"), code=FAILED),
    Session("no pipeline at all", ("-k", "pipeline"), ("no pipeline to test", "--denorm-pipeline"), code=FAILED),
    Session("--denorm-seed=x", ("--denorm-seed=x",), ("invalid int value: 'x'",)),
    Session(
        "a seed in the ini",
        ("-k", "facade"),
        ("denorm_seed in the ini is 'x'", "whole number"),
        "denorm_seed = x",
        FAILED,
    ),
    Session("a seed of 1.5", ("-k", "facade"), ("denorm_seed in the ini is '1.5'",), "denorm_seed = 1.5", FAILED),
    Session("--denorm-compare=x", ("--denorm-compare=x",), ("'x'", "always", "never")),
    Session("compare in the ini", ("-k", "image"), ("denorm_compare in the ini is 'x'",), "denorm_compare = x"),
    Session("--denorm-update=x", ("--denorm-update=x",), ("'x'", "missing", "failed", "all")),
    Session("update in the ini", (), ("denorm_update in the ini is 'some'", "missing"), "denorm_update = some"),
    Session("--denorm-unused=x", ("--denorm-unused=x",), ("'x'", "warn", "delete")),
    Session("unused in the ini", (), ("denorm_unused in the ini is 'x'",), "denorm_unused = x"),
    Session("--denorm-baselines=x", ("--denorm-baselines=x",), ("'x'", "images", "digests")),
    Session("baselines in the ini", ("-k", "image"), ("denorm_baselines in the ini is 'x'",), "denorm_baselines = x"),
    Session("a bool in the ini", (), ("denorm in the ini is 'perhaps'", "true or false"), "denorm = perhaps"),
    Session("an option that is none", ("--denorm-updat=x",), ("--denorm-updat",)),
    Session("no image there", ("--denorm-images=none.png", "-k", "pictures"), ("none.png",), code=FAILED),
    Session(
        "no image in it",
        ("--denorm-images=empty folder", "-k", "pictures"),
        ("empty folder", "images in it"),
        code=FAILED,
    ),
    Session(
        "an image that is none", ("--denorm-images=notes.txt", "-k", "pictures"), ("notes.txt", "image"), code=FAILED
    ),
    Session("images in the ini", ("-k", "pictures"), ("none.png",), "denorm_images = none.png", FAILED),
    Session(
        "baselines below a file",
        ("--denorm-baseline-dir=notes.txt/b", "--denorm-update=missing", "-k", "image"),
        ("denorm_baseline_dir is ", "notes.txt/b, and ", "notes.txt is no folder: expected a folder."),
    ),
    Session(
        "an overlay elsewhere",
        ("--denorm-overlay=../elsewhere", "-k", "image"),
        ("denorm_overlay is '../elsewhere'", "below that of the baselines"),
    ),
    Session(
        "baselines in a file",
        ("--denorm-baseline-dir=notes.txt", "-k", "image"),
        ("denorm_baseline_dir is ", "notes.txt: expected a folder."),
    ),
    Session(
        "baselines in a file, in the ini", (), ("notes.txt: expected a folder.",), "denorm_baseline_dir = notes.txt"
    ),
    Session("no baseline", ("-k", "image"), ("test_image.png", "--denorm-update=missing"), code=FAILED),
    Session(
        "a report in a folder that is a file",
        ("--denorm-report=notes.txt/r.html", "-k", "plain"),
        ("denorm_report is ", "notes.txt/r.html, and ", "notes.txt is no folder: expected a folder."),
    ),
    Session(
        "a report that is a folder",
        ("--denorm-report=kept", "-k", "plain"),
        ("denorm_report is ", "kept, a folder: expected the name of an .html file."),
    ),
    Session(
        "a report that is this folder", ("--denorm-report=.",), (", a folder: expected the name of an .html file.",)
    ),
    Session(
        "a test as a report",
        ("--denorm-report", "test_project.py"),
        ("test_project.py: expected the name of an .html file.",),
    ),
    Session("a report in the ini", (), ("notes.txt: expected the name of an .html",), "denorm_report = notes.txt"),
    Session(
        "results below a file",
        ("--denorm-results=notes.txt/r", "-k", "image"),
        ("denorm_results is ", "notes.txt/r, and ", "notes.txt is no folder: expected a folder."),
    ),
    Session(
        "results in a file",
        ("--denorm-results=notes.txt", "--denorm-pictures", "-k", "plain"),
        ("denorm_results is ", "notes.txt: expected a folder."),
    ),
    Session(
        "images and no way to compare", ("--denorm-pictures",), ("denorm_compare in the ini",), "denorm_compare = x"
    ),
]

TESTS = """
import torch
from pytest_denorm import grid, image_compare

def test_plain(): pass

def test_pipeline(denorm_pipeline): pass

def test_facade(denorm): pass

def test_pictures(denorm_images): pass

@image_compare
def test_image():
    return grid(torch.zeros(2, 3, 4, 4))
"""


class Command(NamedTuple):
    """One command line; NAME stands for a module of the project. The exit code is 2 unless it says otherwise."""

    name: str
    arguments: tuple[str, ...]
    says: tuple[str, ...]
    code: int = 2


COMMANDS = [
    Command("one to compare", ("compare", "imagenet"), ("one pipeline to compare",)),
    Command("an unknown command", ("chek",), ("'chek'", "check")),
    Command("an unknown option", ("check", "imagenet", "--fast"), ("--fast",)),
    Command("no SPEC", ("check",), ("SPEC", "--mean")),
    Command("both", ("check", "imagenet", "--mean", "1"), ("either SPEC, or --mean",)),
    Command("a mean alone", ("check", "--mean", "0.5"), ("std has 0",)),
    Command("a mean in words", ("check", "--mean", "half", "--std", "1"), ("'half'",)),
    Command("a std of 0", ("check", "--mean", "0.5", "--std", "0"), ("std[0] is 0",)),
    Command("a std of nan", ("check", "--mean", "0.5", "--std", "nan"), ("std[0] is nan",)),
    Command("a white of -1", ("check", "--mean", "0.5", "--std", "1", "--pixel-max", "-1"), ("pixel_max is -1.0",)),
    Command("an unknown preset", ("check", "imagnet"), ("'imagnet'", "imagenet")),
    Command("an empty SPEC", ("check", ""), ("''",)),
    Command("unknown weights", ("check", "ResNet18_Weights.NONE"), ("ResNet18_Weights.NONE",)),
    Command("unknown weights of nothing", ("check", "a.b.c"), ("'a.b.c'",)),
    Command("no module", ("check", "nowhere:val"), ("nowhere:val", "'nowhere'")),
    Command("a path for a module", ("check", "./NAME.py:val"), ("NAME.py:val", "module:attribute")),
    Command("no attribute", ("check", "NAME:vall"), ("has no 'vall'",)),
    Command("an attribute that raises", ("check", "NAME:holder.val"), ("RuntimeError: no attribute today",)),
    Command("a module that raises", ("check", "raises_at_import:val"), ("RuntimeError: no import today",)),
    Command("wrong syntax", ("check", "wrong_syntax:val"), ("wrong_syntax", "SyntaxError")),
    Command("a module that exits", ("check", "exits_at_import:val"), ("SystemExit: 3",)),
    Command("a missing import", ("check", "imports_missing:val"), ("a_library_that_is_not_installed",)),
    Command("a function that raises", ("check", "NAME:raises()"), ("OSError: no data today",)),
    Command("a function that wants more", ("check", "NAME:takes_one()"), ("argument",)),
    Command("a number called", ("check", "NAME:number()"), ("int",)),
    Command("a check that is none", ("check", "imagenet", "--select", "x"), ("'x'",)),
    Command("an inverse that is 7", ("check", "imagenet", "--inverse", "NAME:number"), ("inverse is 7",)),
    Command("an output of no inverse", ("check", "imagenet", "--output-max", "1"), ("output_max is 1.0", "no inverse")),
    Command("checking a number", ("check", "NAME:number"), ("int",), code=1),
    Command("no pictures", ("show", "imagenet", "-o", "x.png"), ("SPEC IMAGE",)),
    Command("no such picture", ("show", "imagenet", "no.png", "-o", "x.png"), ("no.png",)),
    Command("a text for a picture", ("show", "imagenet", "notes.txt", "-o", "x.png"), ("notes.txt",)),
    Command("an output below a file", ("show", "imagenet", "a.png", "-o", "notes.txt/x.png"), ("notes.txt",)),
    Command("an output that is a folder", ("show", "imagenet", "a.png", "-o", "kept"), ("kept",)),
    Command("an output of no kind", ("show", "imagenet", "a.png", "-o", "x.docx"), ("x.docx",)),
    Command("0 channels", ("diagnose", "NAME:forward", "NAME:forward", "--channels", "0"), ("channels is 0",)),
    Command("2.5 channels", ("diagnose", "NAME:forward", "NAME:forward", "--channels", "2.5"), ("'2.5'",)),
    Command(
        "a white of nan", ("diagnose", "NAME:forward", "NAME:forward", "--pixel-max", "nan"), ("pixel_max is nan",)
    ),
    Command("an output of 0", ("diagnose", "NAME:forward", "NAME:forward", "--output-max", "0"), ("output_max is 0",)),
    Command("an inverse that raises", ("diagnose", "NAME:forward", "NAME:inverse"), ("no inverse today",)),
    Command("a forward that is 7", ("diagnose", "NAME:number", "NAME:forward"), ("forward is 7",)),
    Command("statistics of nothing", ("stats", "NAME:empty", "--quiet"), ("empty",)),
    Command("statistics of 7", ("stats", "NAME:number", "--quiet"), ("int",)),
    Command("statistics of a preset", ("stats", "imagenet", "--quiet"), ("'imagenet'", "module:attribute")),
    Command("a limit of -1", ("stats", "NAME:images", "--quiet", "--limit", "-1"), ("limit is -1",)),
    Command("a sample of 0", ("stats", "NAME:images", "--quiet", "--sample", "0"), ("sample is 0",)),
    Command("-1 workers", ("stats", "NAME:images", "--quiet", "--workers", "-1"), ("workers is -1",)),
    Command("no such key", ("stats", "NAME:images", "--quiet", "--image", "x"), ("'x'",)),
    Command("no such statistics", ("stats", "NAME:images", "--quiet", "--add", "none.json"), ("none.json",)),
    Command("a text for statistics", ("stats", "NAME:images", "--quiet", "--add", "notes.txt"), ("notes.txt",)),
    Command("json below a file", ("stats", "NAME:images", "--quiet", "--json", "notes.txt/s.json"), ("notes.txt",)),
    Command("json to a folder", ("stats", "NAME:images", "--quiet", "--json", "kept"), ("kept",)),
    Command("a full disk", ("stats", "NAME:images", "--quiet", "--json", "/dev/full"), ("/dev/full",)),
    Command("no torchrun", ("stats", "NAME:images", "--quiet", "--distributed"), ("torchrun",)),
    Command("sweeping nothing", ("sweep", "imagenet", "--dataset", "NAME:empty", "--quiet"), ("empty",)),
    Command("sweeping a preset alone", ("sweep", "imagenet", "--quiet"), ("preset imagenet", "data set")),
    Command(
        "resuming a text",
        ("sweep", "imagenet", "--dataset", "NAME:images", "--quiet", "--resume", "notes.txt"),
        ("notes.txt",),
    ),
    Command(
        "resuming below a file",
        ("sweep", "imagenet", "--dataset", "NAME:images", "--quiet", "--resume", "notes.txt/s"),
        ("notes.txt",),
    ),
    Command("a demo in a file", ("demo", "--folder", "notes.txt"), ("notes.txt",)),
    Command("a demo below a file", ("demo", "--folder", "notes.txt/demo"), ("notes.txt",)),
]
