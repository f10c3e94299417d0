"""sweep: every image there and back, counted once, also after a kill."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from photographs import crops, photographs, write_cifar10, write_imagefolder
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from pytest_denorm import Normalization, SweepResult, preset, sweep
from pytest_denorm.datasets.progress import Progress
from pytest_denorm.errors import DatasetError, ImageError, NormalizeNotFoundError, PipelineError
from pytest_denorm.pipelines import Leaf, register_adapter
from pytest_denorm.pipelines.registry import unregister_adapter

IMAGENET = preset("imagenet")
NORMALIZE = transforms.Normalize(IMAGENET.mean, IMAGENET.std)
TEXTBOOK = transforms.Compose([transforms.ToTensor(), NORMALIZE])
INVERSE = transforms.Normalize(IMAGENET.inverse().mean, IMAGENET.inverse().std)


def truncating(normalized):
    return (INVERSE(normalized) * 255).to(torch.uint8)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cifar10")
    write_cifar10(folder)
    return folder


@pytest.fixture
def textbook(root):
    return write_cifar10(root)(root, transform=TEXTBOOK)


class TestCounts:
    def test_the_textbook_pipeline_comes_back(self, textbook):
        result = sweep(textbook)
        assert result.ok
        assert (result.pictures, result.values, result.wrong_levels) == (100, 100 * 3072, 0)
        assert result.worst.error < 0.001
        assert "transforms[1]: torchvision.transforms.Normalize" in result.source

    def test_truncation_is_counted_as_an_independent_count_does(self, textbook):
        result = sweep(textbook, inverse=truncating)
        original = textbook.data
        wrong = [
            int((truncating(textbook[index][0]).permute(1, 2, 0).numpy() != original[index]).sum())
            for index in range(100)
        ]
        assert (result.wrong_levels, result.wrong_pictures) == (sum(wrong), sum(count > 0 for count in wrong))
        assert sum(wrong) > 10_000
        assert not result.ok
        assert result.complete
        assert result.worst.error == pytest.approx(1.0, abs=1e-4)
        assert result.worst.wrong_levels == wrong[result.worst.index]

    def test_the_worst_picture_is_named(self, tmp_path):
        folder = ImageFolder(write_imagefolder(tmp_path), transform=TEXTBOOK)
        odd = 0 if len(folder) == 1 else 3

        def forgets_the_mean_of_one(normalized):
            restored = INVERSE(normalized)
            width = photographs_of(folder)[odd].size[0]
            return restored * 0.9 if restored.shape[-1] == width else restored

        result = sweep(folder, inverse=forgets_the_mean_of_one)
        assert (result.worst.index, result.worst.name) == (odd, folder.samples[odd][0])
        assert f"worst: image {odd} ({folder.samples[odd][0]}): off by up to 25.5 of 255" in str(result)

    def test_pipeline_and_raw_pictures(self, root):
        raw = write_cifar10(root)(root)
        whole = sweep(TEXTBOOK, raw)
        assert (whole.ok, whole.pictures) == (True, 100)
        assert sweep("imagenet", raw).values == sweep(IMAGENET, raw).values == whole.values
        bytes_ = Normalization((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), 255.0)
        assert sweep(bytes_, raw).ok
        assert not sweep(TEXTBOOK, raw, inverse=preset("cifar10").inverse()).ok
        with pytest.raises(DatasetError, match="image 0: ImageError: the image has negative values"):
            sweep("imagenet", write_cifar10(root)(root, transform=TEXTBOOK))

    @pytest.mark.parametrize("inplace", [False, True])
    def test_amid_augmentation(self, root, inplace):
        chain = v2.Compose(
            [
                v2.ToImage(),
                v2.RandomResizedCrop(24, antialias=True),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(IMAGENET.mean, IMAGENET.std, inplace=inplace),
                v2.RandomErasing(p=1.0),
            ]
        )
        result = sweep(DataLoader(write_cifar10(root)(root, transform=chain), batch_size=8, shuffle=True))
        assert (result.ok, result.values) == (True, 100 * 3 * 24 * 24)
        assert result.worst.error < 0.001

    def test_a_normalize_of_a_library_of_ones_own(self, root):
        """On arrays (H, W, C) of bytes, as albumentations has them."""
        register_adapter(__name__, lambda op: op.described() if isinstance(op, OnArrays) else None)
        try:
            dataset = write_cifar10(root)(root, transform=transforms.Compose([np.asarray, OnArrays()]))
            result = sweep(dataset)
            assert (result.ok, result.values) == (True, 100 * 3072)
            assert not sweep(dataset, inverse=lambda normalized: normalized).ok
        finally:
            unregister_adapter(__name__)

    def test_json(self, textbook):
        result = sweep(textbook, inverse=truncating)
        assert SweepResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result
        older = {name: value for name, value in result.to_dict().items() if name not in ("resumed", "diagnosis")}
        assert SweepResult.from_dict(older) == result
        with pytest.raises(DatasetError, match="no result as"):
            SweepResult.from_dict({})


def photographs_of(folder):
    return [folder.loader(path) for path, _ in folder.samples]


def as_pil(normalized):
    return Image.fromarray((INVERSE(normalized) * 255).round().clamp(0, 255).byte().permute(1, 2, 0).numpy())


INVERSES = {
    "floats": (INVERSE, {}),
    "channels last": (lambda y: INVERSE(y).permute(1, 2, 0), {}),
    "an array": (lambda y: INVERSE(y).permute(1, 2, 0).numpy(), {}),
    "a PIL image": (as_pil, {}),
    "bytes": (lambda y: (INVERSE(y) * 255).round().byte(), {}),
    "0..255": (lambda y: INVERSE(y) * 255, {"output_max": 255.0}),
    "a Normalization": (IMAGENET.inverse(), {}),
    "of batches": (lambda y: INVERSE(y.reshape(1, 3, 32, 32)), {"layout": "NCHW"}),
    "of arrays": (lambda y: y * np.float32(IMAGENET.std) + np.float32(IMAGENET.mean), {"layout": "HWC"}),
}


class TestInverses:
    @pytest.mark.parametrize(("inverse", "options"), INVERSES.values(), ids=INVERSES)
    def test_what_a_round_trip_takes_a_sweep_takes(self, textbook, inverse, options):
        result = sweep(textbook, inverse=inverse, limit=5, **options)
        assert (result.ok, result.diagnosis) == (True, ""), result

    def test_of_what_is_wrong_with_one_the_diagnosis_is_said(self, textbook):
        result = sweep(textbook, inverse=preset("cifar10").denormalize, limit=5)
        assert "cifar10" in result.diagnosis
        assert f"  diagnosis: {result.diagnosis}" in str(result).splitlines()
        assert "\n" not in result.diagnosis

    def test_layouts_are_refused_by_name(self, textbook):
        with pytest.raises(ImageError, match=r"^layout is 'CWH': expected one of CHW, NCHW, HWC, NHWC, or None\.$"):
            sweep(textbook, inverse=INVERSE, layout="CWH")
        with pytest.raises(ImageError, match=r"^layout is 'HWC', and there is no inverse that takes it\.$"):
            sweep(textbook, layout="HWC")


class OnArrays:
    mean, std = np.float32([123.675, 116.28, 103.53]), np.float32([58.395, 57.12, 57.375])

    def __call__(self, image):
        return (image - self.mean) / self.std

    def described(self):
        return Leaf(self.mean, self.std, 255.0, channel_axis=-1)


AFTERWARDS = {
    "doubled": lambda y: y * 2,
    "not a number": lambda y: y / 0,
    "normalized twice": lambda y: (y - 0.45) / 0.226,
    "BGR": lambda y: y[[2, 1, 0]],
    "clamped": lambda y: y.clamp(0, 1),
    "bytes": lambda y: y.to(torch.uint8),
    "half of it zeroed": lambda y: torch.cat([y[:, :16], 0 * y[:, 16:]], 1),
}


class TestWhatIsGiven:
    @pytest.mark.parametrize("after", AFTERWARDS.values(), ids=AFTERWARDS)
    def test_items_that_are_scaled_after_the_normalize_are_counted(self, root, after):
        class Spoilt(type(write_cifar10(root)(root))):
            def __getitem__(self, index):
                image, label = super().__getitem__(index)
                return (after(image) if index in (3, 4) else image), label

        result = sweep(Spoilt(root, transform=TEXTBOOK))
        assert (result.ok, result.worst.index in (3, 4)) == (False, True)
        assert result.diagnosis.startswith("image ")

    @pytest.mark.parametrize(
        "after",
        [
            v2.RandomErasing(p=1.0),
            v2.RandomHorizontalFlip(p=1.0),
            v2.RandomCrop(20),
            lambda y: y.half(),
        ],
        ids=["erased", "flipped", "cropped", "half"],
    )
    def test_augmentation_and_casts_after_it_are_no_fault(self, root, after):
        chain = transforms.Compose([*TEXTBOOK.transforms, after])
        assert sweep(write_cifar10(root)(root, transform=chain), limit=20).ok


class TestFailures:
    def test_named_counted_and_skipped_when_asked(self, tmp_path):
        folder = write_imagefolder(tmp_path)
        (folder / "matplotlib" / "broken.png").write_bytes(b"no image")
        dataset = ImageFolder(folder, transform=TEXTBOOK)
        with pytest.raises(DatasetError, match=r"^image 0 \(.*broken.png\): UnidentifiedImageError"):
            sweep(dataset)
        for workers in (0, 2):
            result = sweep(dataset, on_error="skip", workers=workers)
            assert (result.failed, result.pictures) == (1, len(photographs()))
            assert (result.ok, result.complete) == (False, True)
            assert "1 image could not be read" in str(result)

    def test_an_inverse_that_raises_or_gives_another_shape(self, textbook):
        def broken(normalized):
            raise RuntimeError("no")

        with pytest.raises(DatasetError, match="image 0: InverseError: the inverse raised RuntimeError: no"):
            sweep(textbook, inverse=broken)
        with pytest.raises(DatasetError, match=r"the inverse returned shape \(16, 32\) for an image of shape"):
            sweep(textbook, inverse=lambda normalized: normalized[0, :16])

    def test_a_picture_that_skips_the_normalize(self, root):
        chain = transforms.Compose([transforms.ToTensor(), NORMALIZE])
        dataset = write_cifar10(root)(root, transform=chain)
        dataset.transform = Sometimes(chain)
        with pytest.raises(DatasetError, match=r"did not pass torchvision\.transforms\.Normalize"):
            sweep(dataset)

    def test_what_cannot_be_swept(self, root, textbook):
        class Stream(IterableDataset):
            transform = TEXTBOOK

            def __iter__(self):
                yield from crops(3, 8)

        raw = write_cifar10(root)(root)
        with pytest.raises(NormalizeNotFoundError):
            sweep(raw)
        with pytest.raises(DatasetError, match="is empty: there is nothing to sweep"):
            sweep("imagenet", [])
        with pytest.raises(DatasetError, match="a Stream has no index or no length"):
            sweep("imagenet", Stream())
        with pytest.raises(DatasetError, match="limit is 0"):
            sweep(textbook, limit=0)
        with pytest.raises(DatasetError, match="on_error is 'no'"):
            sweep(textbook, on_error="no")

    def test_a_normalize_that_works_on_batches(self, root):
        class Normalizing:
            def __init__(self):
                self.chain = TEXTBOOK

            def __call__(self, items):
                return torch.stack([self.chain(picture) for picture, _ in items])

        loader = DataLoader(write_cifar10(root)(root), batch_size=8, collate_fn=Normalizing())
        message = (
            "DataLoader.collate_fn.chain.transforms[1]: torchvision.transforms.Normalize works on batches, and a sweep "
            "reads the items of the SmallCIFAR10, which do not pass it. sweep(pipeline, dataset) sends them through "
            "it: sweep(loader, loader.dataset)."
        )
        with pytest.raises(PipelineError, match=f"^{re.escape(message)}$"):
            sweep(loader)
        assert sweep(loader, loader.dataset).values == 100 * 3072


class Sometimes:
    """Every other image goes round the Normalize."""

    def __init__(self, chain):
        self.chain, self.calls = chain, 0

    def __call__(self, picture):
        self.calls += 1
        return self.chain(picture) if self.calls % 2 else transforms.functional.to_tensor(picture)


KILLED = """
    import os, signal, sys
    from photographs import SmallCIFAR10
    from torchvision import transforms
    from pytest_denorm import sweep
    from pytest_denorm.datasets import sweeping

    class Deadly(SmallCIFAR10):
        def __getitem__(self, index):
            if index == 70:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().__getitem__(index)

    chain = transforms.Compose([transforms.ToTensor(), transforms.Normalize((.485, .456, .406), (.229, .224, .225))])
    sweeping._SAVE_EVERY = 0.0
    sweep(Deadly(sys.argv[1], transform=chain), state=sys.argv[2])
"""


class Remembering:
    """Which images are asked for."""

    def __init__(self, dataset):
        self.dataset, self.asked = dataset, []

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        self.asked.append(index)
        return self.dataset[index]


def same(one, other):
    """But for where the Normalize was found."""
    return replace(one, source="") == replace(other, source="")


class TestResuming:
    def test_after_a_kill_nothing_is_counted_twice(self, root, textbook, tmp_path):
        state = tmp_path / "state.json"
        paths = os.pathsep.join(str(path) for path in (Path(__file__).parents[1], Path(__file__).parents[2]))
        killed = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(KILLED), str(root), str(state)],
            env=os.environ | {"PYTHONPATH": paths},
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL
        done = json.loads(state.read_text())["done"]
        assert 0 < done <= 70
        remembering = Remembering(textbook)
        assert same(sweep(remembering, state=state), sweep(textbook))
        assert remembering.asked == list(range(done, 100))
        assert [path.name for path in tmp_path.iterdir()] == ["state.json"]
        assert sweep(Remembering(textbook), state=state).pictures == 100  # there is nothing left to do

    def test_the_state_of_another_sweep_is_refused(self, textbook, tmp_path):
        state = tmp_path / "state.json"
        sweep(textbook, state=state, limit=10)
        with pytest.raises(DatasetError, match=r"another sweep: its pictures is \[10, None, None\], here it is \[20"):
            sweep(textbook, state=state, limit=20)
        with pytest.raises(DatasetError, match="another sweep: its inverse is None, here it is truncating"):
            sweep(textbook, state=state, limit=10, inverse=truncating)
        with pytest.raises(DatasetError, match=r"its reading is \[None, None, None\], here it is \[None, None, 2\.0\]"):
            sweep(textbook, state=state, limit=10, pixel_max=2.0)
        state.write_text("{}")
        with pytest.raises(DatasetError, match=r"is no state of a sweep: it has no 'key'\. Name another file"):
            sweep(textbook, state=state, limit=10)


class TestProgress:
    def test_lines_without_a_terminal(self, textbook, capsys):
        sweep(textbook, progress=True)
        assert capsys.readouterr().err.startswith("sweep: 100 of 100 images, ")

    def test_a_bar_on_a_terminal(self):
        pytest.importorskip("tqdm")

        class Terminal(io.StringIO):
            def isatty(self):
                return True

        stream = Terminal()
        with Progress("sweep", 10, stream=stream, done=4) as bar:
            bar.update(6)
        assert "10/10" in stream.getvalue()
        assert "sweep: 100%" in stream.getvalue()


def test_the_users_objects_are_left_alone(textbook):
    before = textbook.data.copy()
    sweep(textbook)
    assert np.array_equal(textbook.data, before)
    normalize = textbook.transform.transforms[1]
    assert not normalize._forward_hooks
    assert not normalize._forward_pre_hooks
