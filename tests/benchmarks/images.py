"""Grids drawn and saved against ``imshow`` and ``savefig``; images compared against matplotlib's own comparison."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import torch
from timing import Row, compare

sys.path.insert(0, str(Path(__file__).parents[1]))

MATPLOTLIB = "matplotlib"


#: How the peers draw.
_DRAWN = """
import torch
from torchvision.utils import make_grid
def drawn():
    photos = torch.from_numpy(np.load("photos.npy")).permute(0, 3, 1, 2)
    return make_grid(photos, padding=1).permute(1, 2, 0).numpy()
"""
#: One test of each kind, of the same canvas; `{count}` of them are run.
SESSIONS = {
    "ours": """
from pytest_denorm import grid, image_compare
@image_compare(filename="grid.png")
@pytest.mark.parametrize("n", range({count}))
def test_grid(n):
    return grid(np.load("photos.npy"))
""",
    "pytest-mpl": f"""{_DRAWN}
import matplotlib.pyplot as plt
@pytest.mark.mpl_image_compare(filename="grid.png", tolerance=0)
@pytest.mark.parametrize("n", range({{count}}))
def test_grid(n):
    pixels = drawn()
    height, width = pixels.shape[:2]
    figure = plt.figure(figsize=(width / 100, height / 100), dpi=100)
    figure.add_axes((0, 0, 1, 1)).imshow(pixels)
    return figure
""",
    "pytest-regressions": f"""{_DRAWN}
import io
from PIL import Image
@pytest.mark.parametrize("n", range({{count}}))
def test_grid(n, image_regression):
    file = io.BytesIO()
    Image.fromarray(drawn()).save(file, "png")
    image_regression.check(file.getvalue(), basename="grid")
""",
}
_UPDATE = {
    "ours": ["--denorm-update=all"],
    "pytest-mpl": ["--mpl-generate-path=baseline"],
    "pytest-regressions": ["--force-regen"],
}


def sessions(count: int = 100, times: int = 1) -> Iterator[Row]:
    """Sessions of passing grids of 64 images of 224 x 224 pixels: seconds of processor time, the sides in turns."""
    import numpy as np
    from photographs import crops

    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        spent = dict.fromkeys(SESSIONS, 0.0)
        for side in SESSIONS:
            folder = root / side
            folder.mkdir()
            np.save(folder / "photos.npy", crops(64, 224))
            _session(folder, side, 1, *_UPDATE[side])
        for _ in range(times):
            for side in SESSIONS:
                spent[side] += _session(root / side, side, count, *(["--mpl"] if side == "pytest-mpl" else []))
    for peer in ("pytest-mpl", "pytest-regressions"):
        seconds = {side: 1000 * spent[side] / times for side in ("ours", peer)}
        what = f"a session of {count} passing grids of 64 x 224 px"
        yield Row(what, peer, spent[peer] / spent["ours"], 8, at_least=True, milliseconds=seconds)


def _session(folder: Path, side: str, count: int, *arguments: str) -> float:
    (folder / "test_grid.py").write_text("import numpy as np, pytest\n" + SESSIONS[side].replace("{count}", str(count)))
    plain = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plain, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode and "--force-regen" not in arguments:
        raise RuntimeError(done.stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def rows(seconds: float) -> Iterator[Row]:
    yield from sessions()
    yield from _comparisons(seconds)
    yield from _drawings(seconds)


def _comparisons(seconds: float) -> Iterator[Row]:
    from matplotlib.testing.compare import compare_images
    from photographs import crops

    from pytest_denorm import grid
    from pytest_denorm.images import comparison
    from pytest_denorm.images.png import decode_png

    figure = grid(torch.from_numpy(crops(16, 225)).permute(0, 3, 1, 2), nrow=4)
    height, width = figure.pixels.shape[:2]
    with tempfile.TemporaryDirectory() as name:
        baseline, result = (Path(name) / file for file in ("baseline.png", "result.png"))
        figure.savefig(baseline)
        # what a session does: the result is never written when it is equal
        session = {
            "ours": lambda: comparison.compare(decode_png(baseline.read_bytes(), "baseline"), figure.rendered()),
            MATPLOTLIB: lambda: (figure.savefig(result), compare_images(str(baseline), str(result), tol=0)),
        }
        yield _row(
            f"a passing {height} x {width} grid, as a session compares it",
            "savefig, compare_images",
            compare(session, seconds=seconds),
            0.5,
        )


def _drawings(seconds: float) -> Iterator[Row]:
    import matplotlib.pyplot as plt
    from photographs import crops
    from torchvision.utils import make_grid

    from pytest_denorm import grid, preset

    mpl.use("agg")
    normalization = preset("imagenet")
    inverse = normalization.inverse()
    for size, exact in ((32, False), (224, True), (224, False)):
        images = normalization.normalize(torch.from_numpy(crops(64, size)).permute(0, 3, 1, 2).contiguous())

        # matplotlib's figure of 640 x 480, or one that has a pixel for each pixel
        side = (8 * (size + 1) + 1) / 100 if exact else None

        def recipe(images: torch.Tensor = images, side: float | None = side) -> None:
            plt.figure(figsize=(side, side), dpi=100) if side else plt.figure()
            axes = plt.gcf().add_axes((0, 0, 1, 1)) if side else plt.gca()
            axes.imshow(make_grid(inverse.normalize(images), padding=1).permute(1, 2, 0).clip(0, 1))
            plt.savefig(io.BytesIO(), dpi=plt.gcf().dpi)
            plt.close()

        sides = {
            "ours": lambda images=images: grid(images, normalization).savefig(io.BytesIO()),
            MATPLOTLIB: recipe,
        }
        peer = f"make_grid, plt.imshow, savefig {'at the same size' if exact else 'of 640 x 480'}"
        yield _row(f"64 images of {size} x {size} drawn and saved", peer, compare(sides, seconds=seconds), 1 / 3)


def _row(what: str, against: str, times: dict[str, float], limit: float | None) -> Row:
    return Row(what, against, times["ours"] / times[MATPLOTLIB], limit, milliseconds=times)
