"""What ``compare`` and ``assert_same_normalize`` say, and what they refuse."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.transforms as T
from PIL import Image

from pytest_denorm import Normalization, assert_same_normalize, compare
from pytest_denorm.errors import DenormError, ImageError, PipelineError, SettingsError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TRAIN = T.Compose([T.RandomResizedCrop(64), T.ToTensor(), T.Normalize(MEAN, STD)])
CLIP = "(mean (0.48145466, 0.4578275, 0.40821073), std (0.26862954, 0.26130258, 0.27577711))"


def normalized(image: Any, scale: float = 255.0) -> Any:
    return (np.asarray(image, np.float32) / np.float32(scale) - np.float32(MEAN)) / np.float32(STD)


MESSAGES: list[tuple[str, Any, str, str]] = [
    (
        "divides twice",
        lambda image: normalized(image, 255.0 * 255.0),
        "scale-255",
        "serve divides by 255 once more than train. They are up to 254 levels of 255 apart: red of white becomes 2.249 "
        "in train and -2.101 in serve.",
    ),
    (
        "does not divide",
        lambda image: normalized(image, 1.0),
        "scale-255",
        "serve does not divide by 255 where train does. They are up to 6.48e+04 levels of 255 "
        "apart: red of white becomes 2.249 in train and 1111 in serve.",
    ),
    (
        "CLIP's numbers",
        "clip",
        "other-preset",
        f"serve has the statistics of clip {CLIP}. They are up to 28.3 levels of 255 apart: blue of white becomes 2.64 "
        "in train and 2.146 in serve.",
    ),
    (
        "BGR",
        lambda image: normalized(np.asarray(image)[..., ::-1]),
        "channel-order",
        "serve has the channels reversed (BGR for RGB). They are up to 255 levels of 255 apart: red of (255, 0, 0) "
        "becomes 2.249 in train and -2.118 in serve.",
    ),
    (
        "forgotten",
        T.ToTensor(),
        "not-normalized",
        "serve does not normalize, it gives 0..1; train normalizes with mean (0.485, 0.456, 0.406) and std (0.229, "
        "0.224, 0.225). They are up to 124 levels of 255 apart: red of black becomes -2.118 in train and 0 in serve.",
    ),
    (
        "one number",
        Normalization(MEAN, (0.229, 0.224, 0.255)),
        "wrong-std",
        "blue std is 0.255 in serve and 0.225 in train. They are up to 17.8 levels of 255 apart: blue of white becomes "
        "2.64 in train and 2.329 in serve.",
    ),
    (
        "two mistakes",
        lambda image: (np.asarray(image)[..., ::-1].astype(np.float32) / 255 - 0.5) / 0.5,
        "channel-order",
        "serve has the channels reversed (BGR for RGB); and serve has the statistics of half (mean (0.5, 0.5, 0.5), "
        "std (0.5, 0.5, 0.5)). They are up to 209 levels of 255 apart: blue of (0, 0, 255) becomes 2.64 in "
        "train and -1 in serve.",
    ),
]


@pytest.mark.parametrize(("serve", "kind", "message"), [pytest.param(*row[1:], id=row[0]) for row in MESSAGES])
def test_a_difference_is_told_with_its_cause_first(serve: Any, kind: str, message: str) -> None:
    found = compare(train=TRAIN, serve=serve)
    assert not found.ok
    assert (found.kind, found.message) == (kind, message)
    assert str(found).startswith(f"{kind}: {message}\n  train  torchvision.transforms.Compose\n")


def test_what_is_the_same_is_told_with_how_near_it_is() -> None:
    found = compare(TRAIN, "imagenet")
    assert found.ok
    assert found.message == "first and second see the same colors, within 6e-08 of white."
    assert compare(a=TRAIN, b="imagenet", c=lambda image: normalized(image)).message == (
        "a, b and c see the same colors, within 6e-08 of white."
    )


def test_dtype_and_layout_are_told_and_fail_when_strict() -> None:
    def serve(image: Any) -> Any:
        return normalized(image).astype(np.float16)

    found = compare(train=TRAIN, serve=serve)
    assert found.ok
    assert found.notes == ("train gives float32, serve float16", "train gives CHW, serve HWC")
    strict = compare(train=TRAIN, serve=serve, strict=True)
    assert (strict.ok, strict.kind, strict.message) == (False, "dtype", "train gives float32, serve float16.")


def test_the_assertion_says_what_the_comparison_says(denorm: Any) -> None:
    assert_same_normalize(TRAIN, "imagenet")
    denorm.assert_same_normalize(TRAIN, "imagenet")
    assert denorm.compare({"train": TRAIN, "val": "imagenet"}).ok
    with pytest.raises(
        AssertionError, match=r"^not-normalized: val does not normalize, it gives 0\.\.1; train"
    ) as seen:
        denorm.assert_same_normalize(train=TRAIN, val=T.ToTensor())
    assert str(seen.value) == str(compare(train=TRAIN, val=T.ToTensor()))


def test_a_comparison_is_plain_data() -> None:
    found = compare(train=TRAIN, serve="clip")
    plain = json.loads(json.dumps(found.to_dict()))
    assert [side["name"] for side in plain["sides"]] == ["train", "serve"]
    assert plain["sides"][0]["dtype"] == "float32"
    assert plain["sides"][0]["layout"] == "CHW"
    (numbers,) = plain["pairs"]
    assert numbers["kind"] == plain["kind"] == "other-preset"
    assert numbers["levels"] == pytest.approx(28.3, abs=0.1)
    assert numbers["allowed"] < 1e-3
    assert pickle.loads(pickle.dumps(found)) == found


def test_random_states_and_the_pipelines_are_left_alone() -> None:
    jittered = T.Compose([T.ColorJitter(0.4, 0.4), TRAIN])
    torch.manual_seed(7)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    assert compare(jittered, "imagenet").ok
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()


def test_the_figure_shows_each_side_as_the_first_would_show_it() -> None:
    found = compare(train=TRAIN, val="imagenet", serve=lambda image: normalized(np.asarray(image)[..., ::-1]))
    image = np.zeros((8, 9, 3), np.uint8)
    image[..., 0] = 200
    figure = found.figure(image)
    shown = [axes for axes in figure.axes if axes.images]
    train, val, serve = (np.asarray(axes.images[0].get_array()) for axes in shown[:1] + shown[1:3:2] + shown[3:4])
    assert train.dtype == val.dtype == serve.dtype == np.uint8
    assert (train == image).all()
    assert (serve == image[..., ::-1]).all()
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["train", "val", "val: no difference", "serve", "serve: off by up to 200 levels"]
    assert found.png(Image.fromarray(image)).startswith(b"\x89PNG")
    with pytest.raises(ImageError, match=r"the image is float64 of shape \(3,\): expected uint8 \(H, W, 3\)"):
        found.figure(np.zeros(3))


def test_a_notebook_shows_a_table_and_the_figure_of_a_difference() -> None:
    page = compare(train=TRAIN, serve="clip")._repr_html_()
    assert "train = serve" in page
    assert "<img" in page
    assert "<img" not in compare(train=TRAIN, serve="imagenet")._repr_html_()


def one_channel(x: torch.Tensor) -> torch.Tensor:
    return x[:1]


def raises(image: Any) -> Any:
    raise ValueError("no image today")


REFUSED: list[tuple[str, Callable[[Path], Any], type[DenormError], str]] = [
    ("nothing", lambda _: compare(), SettingsError, "there is no pipeline to compare: expected two."),
    ("one", lambda _: compare(TRAIN), SettingsError, "there is one pipeline to compare: expected two."),
    (
        "the same object",
        lambda _: compare(train=TRAIN, val=TRAIN),
        SettingsError,
        "train and val are the same torchvision.transforms.Compose: expected two pipelines.",
    ),
    (
        "other numbers of channels",
        lambda _: compare(TRAIN, T.Compose([TRAIN, one_channel])),
        PipelineError,
        "first makes 3 of 3 channels, second 1 of 3 channels: expected the same numbers.",
    ),
    (
        "two numbers of statistics",
        lambda _: compare(Normalization(MEAN, STD), Normalization((0.5,) * 4, (0.5,) * 4)),
        PipelineError,
        "first makes 3 of 3 channels, second 4 of 4 channels: expected the same numbers.",
    ),
    (
        "what raises",
        lambda _: compare(train=TRAIN, serve=raises),
        PipelineError,
        "ValueError: no image today",
    ),
    ("no pipeline", lambda _: compare(train=TRAIN, serve=17), PipelineError, "serve cannot be measured: nothing to"),
    (
        "a network without a Normalize",
        lambda _: compare(train=TRAIN, model=torch.nn.Conv2d(3, 64, 3)),
        PipelineError,
        "model is a network, and no Normalize was found in it: give what prepares its images.",
    ),
    (
        "a config without statistics",
        lambda _: compare(train=TRAIN, serve={"crop_size": 224}),
        SettingsError,
        "serve has no statistics: expected 'image_mean' and 'image_std' or 'mean' and 'std' in it, found crop_size.",
    ),
    (
        "an empty folder",
        lambda folder: compare(train=TRAIN, serve=folder),
        SettingsError,
        "holds no configuration of images: expected one of preprocessor_config.json",
    ),
    (
        "no preset",
        lambda _: compare(train=TRAIN, serve="imagnet"),
        SettingsError,
        "serve is 'imagnet': expected a preset (imagenet, half,",
    ),
    (
        "reads of no kind",
        lambda _: compare(train=TRAIN, serve=normalized, reads="brg"),
        SettingsError,
        "reads is 'brg': expected one of 'image', 'array', 'unit', 'bgr', 'path', 'bytes', 'base64', 'file'.",
    ),
    (
        "reads of nobody",
        lambda _: compare(train=TRAIN, serve=normalized, reads={"server": "bgr"}),
        SettingsError,
        "reads names 'server': expected one of train, serve.",
    ),
    (
        "reads of what is declared",
        lambda _: compare(train="imagenet", serve="clip", reads={"serve": "bgr"}),
        SettingsError,
        "serve: reads='bgr' is for a function, not for a str.",
    ),
    ("no channels", lambda _: compare(TRAIN, "clip", channels=0), ImageError, "channels is 0"),
]


@pytest.mark.parametrize(("call", "kind", "says"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_bad_input_is_one_line(call: Callable[[Path], Any], kind: type[DenormError], says: str, tmp_path: Path) -> None:
    with pytest.raises(kind) as seen:
        call(tmp_path)
    assert says in str(seen.value)
    assert "\n" not in str(seen.value)


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("preprocessor_config.json", {"image_mean": MEAN, "image_std": STD}),
        ("preprocessor_config.json", {"image_mean": MEAN, "image_std": STD, "rescale_factor": 1 / 255}),
        ("processor_config.json", {"image_processor": {"image_mean": MEAN, "image_std": STD}}),
        ("config.json", {"architecture": "resnet50", "pretrained_cfg": {"mean": MEAN, "std": STD}}),
        ("open_clip_config.json", {"preprocess_cfg": {"mean": MEAN, "std": STD}}),
    ],
)
def test_configurations_are_read(name: str, config: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / name).write_text(json.dumps(config))
    assert compare("imagenet", tmp_path).ok
    assert compare("imagenet", str(tmp_path / name)).ok
    assert compare("imagenet", config).ok
    assert compare("clip", config).kind == "other-preset"


def test_members_for_splits_are_compared_once_beside_their_checks(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from torchvision import transforms as T
        from pytest_denorm import parametrize_with_checks

        steps = [T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
        train = T.Compose([T.RandomHorizontalFlip(), *steps])
        val = T.Compose([T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3)])
        digits = T.Compose([T.ToTensor(), T.Normalize([0.1307], [0.3081])])

        @parametrize_with_checks({"train": train, "val": val, "test": train, "digits": digits})
        def test_all(denorm_check):
            denorm_check()
        """
    )
    result = pytester.runpytest("-k", "same", "-v", "-p", "no:randomly")
    result.assert_outcomes(failed=1)  # `test` is the transform of `train`, and `digits` is of no split
    result.stdout.fnmatch_lines(
        ["*test_all[[]train=val-same] FAILED*", "E * other-preset: val has the statistics of half*"]
    )
