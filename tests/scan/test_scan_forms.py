"""The forms in which projects write statistics, inverses and readers: each is found, and right ones are let be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_denorm import ScanResult

Scan = Callable[..., ScanResult]

IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
HEAD = "import torchvision.transforms.functional as TF\nM = [0.485, 0.456, 0.406]\nS = [0.229, 0.224, 0.225]\n"

STATISTICS = {
    "call": "t = transforms.Normalize(mean=M, std=S)",
    "preset of timm": "from timm.data import IMAGENET_DEFAULT_MEAN as A, IMAGENET_DEFAULT_STD as B\nt = transforms.Normalize(A, B)",
    "arithmetic": "def f(x):\n    return (x - np.array(M)) / np.array(S)",
    "bytes": "def f(x):\n    return (x / 255.0 - torch.tensor(M).view(3, 1, 1)) / torch.tensor(S).view(3, 1, 1)",
    "three statements": "def f(x):\n    x = x.astype(np.float32) / 255\n    x -= M\n    x /= S\n    return x",
    "a channel at a time": "def f(x):\n"
    + "".join(f"    x[{i}] = (x[{i}] - {m}) / {s}\n" for i, (m, s) in enumerate(zip(*IMAGENET, strict=True))),
    "methods": "def f(x):\n    return x.sub(torch.tensor(M).view(3, 1, 1)).div(torch.tensor(S).view(3, 1, 1))",
    "functional": "def f(x):\n    return TF.normalize(x, M, S)",
    "defaults": "def f(path, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)):\n    return load(path, mean)",
    "class body": "class C:\n    mean = np.array(M).reshape(1, 1, 3)\n    std = np.array(S).reshape(1, 1, 3)",
    "self": "class C:\n    def __init__(self):\n        self.mean = M\n        self.std = S",
    "comprehension": "t = transforms.Normalize([123.675 / 255, 116.28 / 255, 103.53 / 255], [x / 255 for x in (58.395, 57.12, 57.375)])",
    "dict": "cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)",
    "attributes of a config": "cfg.data.norm_mean = M\ncfg.data.norm_std = S",
    "given to a function": "def make(mean, std):\n    return transforms.Compose([transforms.Normalize(mean, std)])\nt = make(M, S)",
    "branches": "if use_imagenet:\n    a, b = M, S\nelse:\n    a, b = [0.5] * 3, [0.5] * 3\nt = transforms.Normalize(a, b)",
    "own class": "class Normalize:\n    def __init__(self, mean, std):\n        self.mean = mean\nt = Normalize(mean=M, std=S)",
}

INVERSES = {
    "numpy": "def show(inp):\n    inp = inp.numpy().transpose((1, 2, 0))\n    plt.imshow(np.clip(np.array(S) * inp + np.array(M), 0, 1))",
    "two": "inv = transforms.Compose([transforms.Normalize([0, 0, 0], [1 / s for s in S]), transforms.Normalize([-m for m in M], [1, 1, 1])])",
    "one": "inv = transforms.Normalize([-m / s for m, s in zip(M, S)], [1 / s for s in S])",
    "lambda": "denorm = lambda x: x * torch.tensor(S).view(3, 1, 1) + torch.tensor(M).view(3, 1, 1)",
    "functional": "def undo(x, mean=M, std=S):\n    return TF.normalize(x, [-m / s for m, s in zip(mean, std)], [1 / s for s in std])",
    "zip": "class UnNormalize:\n    def __init__(self, mean, std):\n        self.mean, self.std = mean, std\n    def __call__(self, x):\n"
    "        for t, m, s in zip(x, self.mean, self.std):\n            t.mul_(s).add_(m)\n        return x\nu = UnNormalize(M, S)",
    "subclass": "class Inverse(transforms.Normalize):\n    def __init__(self, mean, std):\n        mean, std = torch.tensor(mean), torch.tensor(std)\n"
    "        super().__init__(mean=-mean / std, std=1 / std)\n    def __call__(self, x):\n        return super().__call__(x.clone())\ni = Inverse(M, S)",
    "buffers": "class Denormalize(torch.nn.Module):\n    def __init__(self, mean, std):\n        super().__init__()\n"
    "        self.register_buffer('mean', torch.tensor(mean).view(1, -1, 1, 1))\n        self.register_buffer('std', torch.tensor(std).view(1, -1, 1, 1))\n"
    "    def forward(self, x):\n        return x * self.std + self.mean\nd = Denormalize(M, S)",
    "channels": "def undo(img):\n    img = img.numpy().astype(dtype=np.float32)\n    for i in range(img.shape[0]):\n        img[i] = img[i] * S[i] + M[i]\n    return np.transpose(img, (1, 2, 0))",
    "device": "def denorm(x, mean=M, std=S):\n    if isinstance(mean, list):\n        mean = torch.tensor(mean).to(x.device)\n        std = torch.tensor(std).to(x.device)\n    return x * std.view(1, -1, 1, 1) + mean.view(1, -1, 1, 1)",
    "bytes": "def to_image(t):\n    img = t.detach().cpu().squeeze().numpy().transpose(1, 2, 0) * np.array(S) + np.array(M)\n    return (img.clip(0, 1) * 255).round().astype(np.uint8)",
    "unpacked": "stats = (M, S)\ndef denorm(x, mean, std):\n    return x * torch.tensor(std).view(1, 3, 1, 1) + torch.tensor(mean).view(1, 3, 1, 1)\ndef show(x):\n    plt.imshow(denorm(x, *stats)[0])",
    "inline": "def loop(loader, mean=M, std=S):\n    for image, label in loader:\n        image = image[0].numpy().transpose(1, 2, 0) * np.array(std) + np.array(mean)\n        plt.imshow(image)",
}

#: What computes ``x * a + b`` and undoes no Normalize; nothing is said of it.
OTHERS = {
    "sampling": "def sample(mu, logvar):\n    return torch.randn_like(mu) * torch.exp(0.5 * logvar) + mu",
    "noise": "def noise(n):\n    return np.random.randn(n) * 0.229 + 0.485",
    "boxes": "def decode(deltas, mean=(0.0, 0.0, 0.0, 0.0), std=(0.1, 0.1, 0.2, 0.2)):\n    return deltas * torch.tensor(std) + torch.tensor(mean)",
    "unit length": "import torch.nn.functional as F\ndef embed(x):\n    return F.normalize(x, p=2, dim=1)",
    "similarity": "def similarity(a, b):\n    return (torch.cosine_similarity(a, b) + 1) / 2",
    "momentum": "def update(old):\n    return 0.9 * old + 0.1",
    "group norm": "def Normalize(channels):\n    return torch.nn.GroupNorm(32, channels, eps=1e-6)\nlayer = Normalize(64)",
    "gradients": "def deprocess_image(g):\n    g = (g - g.mean()) / (g.std() + 1e-5) * 0.1 + 0.5\n    return np.uint8(np.round(np.clip(g, 0, 1) * 255))",
    "measured": "def fit(data):\n    mean, std = data.mean(0), data.std(0)\n    return (data - mean) / std",
}

READERS = {
    "data set": "class D(torch.utils.data.Dataset):\n    def __init__(self, files, transform=None):\n        self.files, self.transform = files, transform\n"
    "    def __getitem__(self, i):\n        img = READ(self.files[i])\n        if self.transform:\n            img = self.transform(img)\n        return img\n"
    "d = D(['a.jpg'], transform=transforms.Compose([transforms.ToTensor(), transforms.Normalize(M, S)]))",
    "albumentations": "import albumentations as A\nclass D:\n    def __init__(self, transform):\n        self.transform = transform\n    def __getitem__(self, i):\n"
    "        image = READ(self.files[i])\n        return self.transform(image=image)['image']\nd = D(A.Compose([A.HorizontalFlip(), A.Normalize()]))",
    "arithmetic": "def load(path):\n    img = READ(path)\n    img = cv2.resize(img, (224, 224)).astype(np.float32) / 255.0\n    return (img - np.array(M)) / np.array(S)",
    "PIL between": "def load(path, transform):\n    return transform(Image.fromarray(READ(path)))\nx = load('a.jpg', transforms.Compose([transforms.ToTensor(), transforms.Normalize(M, S)]))",
}


@pytest.mark.parametrize("source", STATISTICS.values(), ids=STATISTICS)
def test_statistics_are_found(source: str, scanned: Scan) -> None:
    result = scanned(HEAD + source)
    units = [[[value / one["white"] for value in one[key]] for key in ("mean", "std")] for one in result.statistics]
    assert any(unit == [pytest.approx(part, rel=1e-4) for part in IMAGENET] for unit in units)
    assert result.findings == ()


@pytest.mark.parametrize("source", INVERSES.values(), ids=INVERSES)
def test_a_right_inverse_is_found_and_let_be(source: str, scanned: Scan) -> None:
    result = scanned(f"{HEAD}normalize = transforms.Normalize(M, S)\n{source}", notes=True)
    found = [one for one in result.inverses if one["mean"] == pytest.approx(IMAGENET[0], abs=5e-3)]
    assert found
    assert {one.code for one in result.findings} <= {"DN112"}


@pytest.mark.parametrize("source", INVERSES.values(), ids=INVERSES)
def test_a_wrong_number_in_any_form_is_named(source: str, scanned: Scan) -> None:
    head = HEAD.replace("0.225]", "0.255]")
    result = scanned(f"{head}normalize = transforms.Normalize(M, [0.229, 0.224, 0.225])\n{source}")
    assert {one.code for one in result.findings} == {"DN102"}
    assert all("blue std is 0.255 where the pipeline has 0.225" in one.message for one in result.findings)


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
        "inverse of `val_transform` (project/data.py:3): blue std is 0.255 where the pipeline has 0.225, a well-known slip "
        "(gain 1.133, offset -0.054). Use the pipeline's own std; 14.3 levels off (nothing in the scanned files calls it)"
    )


def test_what_is_assigned_again_is_no_constant(scanned: Scan) -> None:
    source = "mean = [0.1, 0.2, 0.3]\nmean = compute(data)\nt = transforms.Normalize(mean, [0.229, 0.224, 0.225])"
    assert scanned(source).statistics == ()
