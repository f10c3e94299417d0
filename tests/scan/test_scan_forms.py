"""The forms in which projects write statistics, inverses and readers: each is found, and right ones are let be."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from pytest_denorm import ScanResult

Scan = Callable[..., ScanResult]

IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
HEAD = "import torchvision.transforms.functional as TF\nMEAN = [0.485, 0.456, 0.406]\nSTD = [0.229, 0.224, 0.225]\n"

STATISTICS = {
    "call": """\
t = transforms.Normalize(mean=MEAN, std=STD)
""",
    "preset of timm": """\
from timm.data import IMAGENET_DEFAULT_MEAN as A, IMAGENET_DEFAULT_STD as B
t = transforms.Normalize(A, B)
""",
    "arithmetic": """\
def f(x):
    return (x - np.array(MEAN)) / np.array(STD)
""",
    "bytes": """\
def f(x):
    return (x / 255.0 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
""",
    "three statements": """\
def f(x):
    x = x.astype(np.float32) / 255
    x -= MEAN
    x /= STD
    return x
""",
    "a channel at a time": """\
def f(x):
    x[0] = (x[0] - 0.485) / 0.229
    x[1] = (x[1] - 0.456) / 0.224
    x[2] = (x[2] - 0.406) / 0.225

""",
    "methods": """\
def f(x):
    return x.sub(torch.tensor(MEAN).view(3, 1, 1)).div(torch.tensor(STD).view(3, 1, 1))
""",
    "functional": """\
def f(x):
    return TF.normalize(x, MEAN, STD)
""",
    "defaults": """\
def f(path, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)):
    return load(path, mean)
""",
    "class body": """\
class C:
    mean = np.array(MEAN).reshape(1, 1, 3)
    std = np.array(STD).reshape(1, 1, 3)
""",
    "self": """\
class C:
    def __init__(self):
        self.mean = MEAN
        self.std = STD
""",
    "comprehension": """\
t = transforms.Normalize([123.675 / 255, 116.28 / 255, 103.53 / 255], [x / 255 for x in (58.395, 57.12, 57.375)])
""",
    "dict": """\
cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
""",
    "attributes of a config": """\
cfg.data.norm_mean = MEAN
cfg.data.norm_std = STD
""",
    "config object": """\
from yacs.config import CfgNode as CN
_C = CN()
_C.INPUT = CN()
_C.INPUT.PIXEL_MEAN = MEAN
_C.INPUT.PIXEL_STD = STD
""",
    "lambda": """\
t = transforms.Lambda(lambda x: transforms.Normalize(MEAN, STD)(x))
""",
    "loop": """\
def f(image):
    for t, m, s in zip(image, MEAN, STD):
        t.sub_(m).div_(s)
""",
    "Python 2": """\
print 'mean', MEAN
t = transforms.Normalize(MEAN, STD)
""",
    "older Python": """\
target = target.cuda(async=True)
t = transforms.Normalize(MEAN, STD)
""",
    "given to a function": """\
def make(mean, std):
    return transforms.Compose([transforms.Normalize(mean, std)])
t = make(MEAN, STD)
""",
    "branches": """\
if use_imagenet:
    a, b = MEAN, STD
else:
    a, b = [0.5] * 3, [0.5] * 3
t = transforms.Normalize(a, b)
""",
    "own class": """\
class Normalize:
    def __init__(self, mean, std):
        self.mean = mean
t = Normalize(mean=MEAN, std=STD)
""",
}

INVERSES = {
    "numpy": """\
def show(inp):
    inp = inp.numpy().transpose((1, 2, 0))
    plt.imshow(np.clip(np.array(STD) * inp + np.array(MEAN), 0, 1))
""",
    "two": """\
inv = transforms.Compose([transforms.Normalize([0, 0, 0], [1 / s for s in STD]),
                          transforms.Normalize([-m for m in MEAN], [1, 1, 1])])
""",
    "one": """\
inv = transforms.Normalize([-m / s for m, s in zip(MEAN, STD)], [1 / s for s in STD])
""",
    "lambda": """\
denorm = lambda x: x * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)
""",
    "functional": """\
def undo(x, mean=MEAN, std=STD):
    return TF.normalize(x, [-m / s for m, s in zip(mean, std)], [1 / s for s in std])
""",
    "zip": """\
class UnNormalize:
    def __init__(self, mean, std):
        self.mean, self.std = mean, std
    def __call__(self, x):
        for t, m, s in zip(x, self.mean, self.std):
            t.mul_(s).add_(m)
        return x
u = UnNormalize(MEAN, STD)
""",
    "subclass": """\
class Inverse(transforms.Normalize):
    def __init__(self, mean, std):
        mean, std = torch.tensor(mean), torch.tensor(std)
        super().__init__(mean=-mean / std, std=1 / std)
    def __call__(self, x):
        return super().__call__(x.clone())
i = Inverse(MEAN, STD)
""",
    "buffers": """\
class Denormalize(torch.nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer('mean', torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer('std', torch.tensor(std).view(1, -1, 1, 1))
    def forward(self, x):
        return x * self.std + self.mean
d = Denormalize(MEAN, STD)
""",
    "channels": """\
def undo(img):
    img = img.numpy().astype(dtype=np.float32)
    for i in range(img.shape[0]):
        img[i] = img[i] * STD[i] + MEAN[i]
    return np.transpose(img, (1, 2, 0))
""",
    "device": """\
def denorm(x, mean=MEAN, std=STD):
    if isinstance(mean, list):
        mean = torch.tensor(mean).to(x.device)
        std = torch.tensor(std).to(x.device)
    return x * std.view(1, -1, 1, 1) + mean.view(1, -1, 1, 1)
""",
    "bytes": """\
def to_image(t):
    img = t.detach().cpu().squeeze().numpy().transpose(1, 2, 0) * np.array(STD) + np.array(MEAN)
    return (img.clip(0, 1) * 255).round().astype(np.uint8)
""",
    "unpacked": """\
stats = (MEAN, STD)
def denorm(x, mean, std):
    return x * torch.tensor(std).view(1, 3, 1, 1) + torch.tensor(mean).view(1, 3, 1, 1)
def show(x):
    plt.imshow(denorm(x, *stats)[0])
""",
    "over defaults": """\
def restore(x, mean=(0, 0, 0), std=(1, 1, 1)):
    for i in range(3):
        x[i] = x[i] * std[i] + mean[i]
    return x
def show(x):
    plt.imshow(restore(x, MEAN, STD))
""",
    "video": """\
def to_video(x):
    mean, std = (np.array(one)[np.newaxis, np.newaxis, ..., np.newaxis, np.newaxis] for one in (MEAN, STD))
    return np.clip(x.numpy() * std + mean, 0, 1)
""",
    "loop": """\
def main(loader):
    for image, label in loader:
        for t, m, s in zip(image, MEAN, STD):
            t.mul_(s).add_(m)
        plt.imshow(image)
""",
    "inline": """\
def loop(loader, mean=MEAN, std=STD):
    for image, label in loader:
        image = image[0].numpy().transpose(1, 2, 0) * np.array(std) + np.array(mean)
        plt.imshow(image)
""",
}

#: What computes ``x * a + b`` and undoes no Normalize; nothing is said of it.
OTHERS = {
    "sampling": """\
def sample(mu, logvar):
    return torch.randn_like(mu) * torch.exp(0.5 * logvar) + mu
""",
    "noise": """\
def noise(n):
    return np.random.randn(n) * 0.229 + 0.485
""",
    "boxes": """\
def decode(deltas, mean=(0.0, 0.0, 0.0, 0.0), std=(0.1, 0.1, 0.2, 0.2)):
    return deltas * torch.tensor(std) + torch.tensor(mean)
""",
    "unit length": """\
import torch.nn.functional as F
def embed(x):
    return F.normalize(x, p=2, dim=1)
""",
    "similarity": """\
def similarity(a, b):
    return (torch.cosine_similarity(a, b) + 1) / 2
""",
    "momentum": """\
def update(old):
    return 0.9 * old + 0.1
""",
    "group norm": """\
def Normalize(channels):
    return torch.nn.GroupNorm(32, channels, eps=1e-6)
layer = Normalize(64)
""",
    "gradients": """\
def deprocess_image(g):
    g = (g - g.mean()) / (g.std() + 1e-5) * 0.1 + 0.5
    return np.uint8(np.round(np.clip(g, 0, 1) * 255))
""",
    "measured": """\
def fit(data):
    mean, std = data.mean(0), data.std(0)
    return (data - mean) / std
""",
}

READERS = {
    "data set": """\
class D(torch.utils.data.Dataset):
    def __init__(self, files, transform=None):
        self.files, self.transform = files, transform
    def __getitem__(self, i):
        img = READ(self.files[i])
        if self.transform:
            img = self.transform(img)
        return img
d = D(['a.jpg'], transform=transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)]))
""",
    "albumentations": """\
import albumentations as A
class D:
    def __init__(self, transform):
        self.transform = transform
    def __getitem__(self, i):
        image = READ(self.files[i])
        return self.transform(image=image)['image']
d = D(A.Compose([A.HorizontalFlip(), A.Normalize()]))
""",
    "arithmetic": """\
def load(path):
    img = READ(path)
    img = cv2.resize(img, (224, 224)).astype(np.float32) / 255.0
    return (img - np.array(MEAN)) / np.array(STD)
""",
    "crop": """\
def load(path, box):
    face = READ(path)[box.top:box.bottom, box.left:box.right]
    face = cv2.resize(face, (56, 56)).copy() / 255.0
    return (face - np.array(MEAN)) / np.array(STD)
""",
    "laid in a larger image": """\
def load(path):
    img = READ(path)
    padded = np.zeros((img.shape[0] + 32, img.shape[1] + 32, 3)).astype(np.float32)
    padded[: img.shape[0], : img.shape[1], :] = img
    padded /= 255
    padded -= MEAN
    padded /= STD
    return padded
""",
    "PIL between": """\
def load(path, transform):
    return transform(Image.fromarray(READ(path)))
x = load('a.jpg', transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)]))
""",
}


SPLITS = {
    "branches": """\
def get_transform(phase):
    if phase == 'train':
        t = transforms.Compose([transforms.ToTensor(), FIRST])
    else:
        t = transforms.Compose([transforms.ToTensor(), SECOND])
    return t
""",
    "a default": """\
def build(is_train=True):
    steps = [transforms.ToTensor()]
    if is_train:
        steps.append(FIRST)
    else:
        steps.append(SECOND)
    return transforms.Compose(steps)
""",
    "loaders": """\
train_loader = DataLoader(CIFAR10('.', transform=transforms.Compose([transforms.ToTensor(), FIRST])))
test_loader = DataLoader(CIFAR10('.', transform=transforms.Compose([transforms.ToTensor(), SECOND])))
""",
    "methods": """\
class Data:
    def train_dataloader(self):
        return transforms.Compose([transforms.ToTensor(), FIRST])
    def val_dataloader(self):
        return transforms.Compose([transforms.ToTensor(), SECOND])
""",
    "not at all": """\
train_transform = transforms.Compose([transforms.ToTensor(), FIRST])
test_transform = transforms.Compose([transforms.ToTensor()])
""",
}
CONFIG = "{}:\n  transform:\n    mean: {}\n    std: [0.229, 0.224, 0.225]\n"


@pytest.mark.parametrize("source", SPLITS.values(), ids=SPLITS)
def test_training_and_evaluation_that_differ_are_told(source: str, scanned: Scan) -> None:
    first = source.replace("FIRST", "transforms.Normalize(MEAN, STD)")
    (finding,) = scanned(HEAD + first.replace("SECOND", "transforms.Normalize([0.5] * 3, [0.5] * 3)")).findings
    assert (finding.code, finding.level) == ("DN202", "warning")
    if "SECOND" in source:
        assert scanned(HEAD + first.replace("SECOND", "transforms.Normalize(MEAN, STD)")).findings == ()


def test_files_and_configs_of_training_and_evaluation_are_compared(scanned: Scan) -> None:
    head = "from torchvision import transforms\n"
    config = CONFIG.format("train", IMAGENET[0]) + CONFIG.format("val", [0.5, 0.5, 0.5])
    found = scanned(
        {
            "train.py": f"{head}t = transforms.Normalize({IMAGENET[0]}, {IMAGENET[1]})\n",
            "predict.py": f"{head}t = transforms.Normalize([0.5] * 3, [0.5] * 3)\n",
            "data.yaml": config,
        }
    ).findings
    assert [(one.code, one.where, one.related) for one in found] == [
        ("DN202", "data.yaml:7:1", "data.yaml:3"),
        ("DN202", "predict.py:2:5", "train.py:2"),
    ]


def test_an_inverse_whose_numbers_are_not_in_the_source_is_found(scanned: Scan) -> None:
    source = "def debug(data, batch):\n    for img in batch:\n        plt.imshow(img * data.std + data.mean)\n"
    ((inverse),) = scanned(source).inverses
    assert (inverse["mean"], inverse["reason"]) == ([], "its mean and std are not in the source")


SHOWN = {
    "batch": "plt.imshow(next(iter(loader))[0][0].permute(1, 2, 0))\n",
    "data set": "image, label = data[0]\nplt.imshow(image.permute(1, 2, 0))\n",
    "axes": """\
figure, axes = plt.subplots(2)
for images, labels in loader:
    axes[0].imshow(images[0].numpy().transpose(1, 2, 0))
""",
    "file": """\
for images, labels in loader:
    torchvision.utils.save_image(images[:8], 'a.png')
""",
    "PIL": "image, label = data[0]\nimage = transforms.ToPILImage()(image)\n",
    "function": """\
def draw(grid):
    plt.imshow(np.transpose(grid.numpy(), (1, 2, 0)))
images, labels = next(iter(loader))
draw(torchvision.utils.make_grid(images))
""",
    "loader given": """\
def draw(batches):
    for images, labels in batches:
        plt.imshow(torchvision.utils.make_grid(images[:64], nrow=8).permute(1, 2, 0))
draw(loader)
""",
}


@pytest.mark.parametrize("source", SHOWN.values(), ids=SHOWN)
def test_a_normalized_image_is_followed_to_where_it_is_drawn(source: str, scanned: Scan) -> None:
    head = (
        f"{HEAD}transform = transforms.Compose([transforms.ToTensor(), NORMALIZE])\n"
        "data = torchvision.datasets.CIFAR10('.', transform=transform)\n"
        "loader = torch.utils.data.DataLoader(data, batch_size=4)\n"
    )
    result = scanned(head.replace("NORMALIZE", "transforms.Normalize(MEAN, STD)") + source)
    assert [(one.code, one.level) for one in result.findings] == [("DN105", "warning")]
    assert scanned(head.replace("NORMALIZE", "transforms.Resize(32)") + source).findings == ()


@pytest.mark.parametrize("source", STATISTICS.values(), ids=STATISTICS)
def test_statistics_are_found(source: str, scanned: Scan) -> None:
    result = scanned(HEAD + source)
    units = [[[value / one["white"] for value in one[key]] for key in ("mean", "std")] for one in result.statistics]
    assert any(unit == [pytest.approx(part, rel=1e-4) for part in IMAGENET] for unit in units)
    assert {one.code for one in result.findings} <= {"DN901"}


@pytest.mark.parametrize("source", INVERSES.values(), ids=INVERSES)
def test_a_right_inverse_is_found_and_let_be(source: str, scanned: Scan) -> None:
    result = scanned(f"{HEAD}normalize = transforms.Normalize(MEAN, STD)\n{source}", notes=True)
    found = [one for one in result.inverses if one["mean"] == pytest.approx(IMAGENET[0], abs=5e-3)]
    assert found
    assert {one.code for one in result.findings} <= {"DN112"}


@pytest.mark.parametrize("source", INVERSES.values(), ids=INVERSES)
def test_a_wrong_number_in_any_form_is_named(source: str, scanned: Scan) -> None:
    head = HEAD.replace("0.225]", "0.255]")
    result = scanned(f"{head}normalize = transforms.Normalize(MEAN, [0.229, 0.224, 0.225])\n{source}")
    codes = {one.code for one in result.findings}  # constants under a name are a finding of their own
    assert codes
    assert codes <= {"DN102", "DN201"}
    assert all(
        re.search(r"(blue std|std\[2\]) is 0\.255 where \w+( pipeline)? has 0\.225", one.message)
        for one in result.findings
    )


@pytest.mark.parametrize("source", OTHERS.values(), ids=OTHERS)
def test_other_arithmetic_is_let_be(source: str, scanned: Scan) -> None:
    result = scanned(f"normalize = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])\n{source}")
    assert result.findings == ()


@pytest.mark.parametrize("source", READERS.values(), ids=READERS)
def test_the_order_of_channels_is_followed_from_the_reader(source: str, scanned: Scan) -> None:
    wrong = scanned(HEAD + source.replace("READ", "cv2.imread"))
    assert [(one.code, one.level) for one in wrong.findings] == [("DN301", "error")]
    right = "def read(path):\n    return cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)\n"
    assert scanned(HEAD + right + source.replace("READ", "read")).findings == ()


def test_constants_and_inverses_are_followed_over_files(scanned: Scan) -> None:
    result = scanned(
        {
            "project/settings.py": "MEAN = (0.485, 0.456, 0.406)\nSTD = (0.229, 0.224, 0.225)\n",
            "project/data.py": "from torchvision import transforms\nfrom .settings import MEAN, STD\n"
            "val_transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])\n",
            "project/viz.py": "import numpy as np\n\ndef denormalize(x):\n"
            "    return x * np.array([0.229, 0.224, 0.255]) + np.array([0.485, 0.456, 0.406])\n",
        }
    )
    (finding,) = result.findings
    assert (finding.where, finding.code, finding.level) == ("project/viz.py:3:1", "DN102", "warning")
    assert finding.message == (
        "inverse of `val_transform` (project/data.py:3): blue std is 0.255 where the pipeline has 0.225, a well-known "
        "slip (gain 1.133, offset -0.054). Use the pipeline's own std; 14.3 levels off (nothing in the scanned files "
        "calls it)"
    )


def test_what_is_assigned_again_is_no_constant(scanned: Scan) -> None:
    source = "mean = [0.1, 0.2, 0.3]\nmean = compute(data)\nt = transforms.Normalize(mean, [0.229, 0.224, 0.225])"
    assert scanned(source).statistics == ()


def test_an_inverse_whose_numbers_are_not_known_is_not_called_a_no_op(scanned: Scan) -> None:
    source = INVERSES["zip"].replace("(MEAN, STD)", "(*load_statistics())")
    assert scanned(source).findings == ()
