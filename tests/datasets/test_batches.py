"""The batches of a loader are read as the items of its data set are, or refused."""

from __future__ import annotations

import re
from collections import namedtuple

import pytest
import torch
from photographs import crops
from PIL import Image
from torch.nn.functional import one_hot
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    SequentialSampler,
    TensorDataset,
    default_collate,
)
from torchvision import transforms, tv_tensors
from torchvision.transforms import functional

from pytest_denorm import check, dataset_statistics, grid
from pytest_denorm.errors import DatasetError

PICTURES = torch.from_numpy(crops(22, 12)).permute(0, 3, 1, 2).contiguous()
GREY = PICTURES[:, 0]
Sample = namedtuple("Sample", "label image")


def pil(index):
    return functional.to_pil_image(PICTURES[index])


class Made(Dataset):
    """Items that a function makes of an index."""

    def __init__(self, make, transform=None):
        self.make, self.transform = make, transform

    def __len__(self):
        return len(PICTURES)

    def __getitem__(self, index):
        return self.make(index)


class Streamed(IterableDataset):
    def __init__(self, make):
        self.make = make

    def __iter__(self):
        yield from map(self.make, range(len(PICTURES)))


def zipped(items):
    return tuple(zip(*items, strict=True))


def of_lists(items):
    return [list(each) for each in zip(*items, strict=True)]


def collated(items):
    """As the default, but not known to be."""
    return default_collate(items)


COLOR = {
    "alone": lambda i: PICTURES[i],
    "labelled": lambda i: (PICTURES[i], i),
    "label first": lambda i: (i, PICTURES[i]),
    "path first": lambda i: (f"{i}.png", i, PICTURES[i]),
    "named": lambda i: Sample(i, PICTURES[i]),
    "one-hot first": lambda i: (one_hot(torch.tensor(i % 10), 10).float(), PICTURES[i]),
    "box first": lambda i: (torch.rand(4), PICTURES[i]),
    "mask after": lambda i: (PICTURES[i], GREY[i] > 9),
    "dict": lambda i: {"image": PICTURES[i], "label": i},
    "labelled dict": lambda i: ({"image": PICTURES[i]}, i),
    "target dict first": lambda i: ({"label": i}, PICTURES[i]),
    "raw beside": lambda i: {"image": PICTURES[i] // 2, "pixel_values": PICTURES[i]},
    "path beside": lambda i: {"image": f"{i}.png", "x": PICTURES[i]},
    "webdataset": lambda i: {"__key__": str(i), "png": PICTURES[i], "cls": i},
    "two views": lambda i: ([PICTURES[i], PICTURES[i].flip(-1)], i),
    "stack of views": lambda i: (torch.stack([PICTURES[i], PICTURES[i]]), i),
    "tuple of one": lambda i: (PICTURES[i],),
}
ONE_CHANNEL = {
    "alone": lambda i: GREY[i],
    "labelled": lambda i: (GREY[i], i),
    "label first": lambda i: (i, GREY[i]),
    "one-hot first": lambda i: (one_hot(torch.tensor(i % 10), 10).float(), GREY[i][None]),
    "mask after": lambda i: (GREY[i], GREY[i] > 9),
    "dict": lambda i: {"image": GREY[i], "label": i},
    "with an axis": lambda i: (GREY[i][None], i),
}


FORMS = pytest.mark.parametrize(
    "form", [*COLOR.items(), *ONE_CHANNEL.items()], ids=[*COLOR, *map("grey, {}".format, ONE_CHANNEL)]
)


@FORMS
def test_pytorchs_own_collate_function(form):
    wanted = dataset_statistics(Made(form[1]))
    for kind, batch_size in ((Made, 1), (Made, 3), (Made, 8), (Streamed, 2), (Streamed, 8), (Streamed, None)):
        assert dataset_statistics(DataLoader(kind(form[1]), batch_size=batch_size)) == wanted


@FORMS
@pytest.mark.parametrize("collate", [list, tuple, zipped, of_lists, collated])
def test_collate_functions_of_ones_own(form, collate):
    dataset = Made(form[1])
    for batch_size in (1, 3, 8):
        loader = DataLoader(dataset, batch_size=batch_size, collate_fn=collate)
        if collate in (zipped, of_lists) and form[0] in ("two views", "labelled dict"):
            with pytest.raises(DatasetError, match=r"^image 0: ImageTypeError: no image is in a"):
                dataset_statistics(loader)
        elif collate in (list, tuple, collated) or isinstance(dataset[0], tuple):
            assert dataset_statistics(loader) == dataset_statistics(dataset)


@pytest.mark.parametrize("make", [lambda i: (pil(i), i), lambda i: (i, pil(i)), lambda i: {"img": pil(i)}, pil])
@pytest.mark.parametrize("batch_size", [1, 8])
def test_collate_functions_that_make_the_tensors(make, batch_size):
    dataset, wanted = Made(make), dataset_statistics(PICTURES)

    def stacked(items):
        return {"pixel_values": torch.stack([functional.pil_to_tensor(of(item)) for item in items])}

    def listed(items):
        return [functional.pil_to_tensor(of(item)) for item in items]

    def keyed(items):
        return {"images": listed(items), "labels": torch.arange(len(items))}

    def of(item):
        held = item.values() if isinstance(item, dict) else item if isinstance(item, tuple) else [item]
        return next(one for one in held if isinstance(one, Image.Image))

    for collate in (stacked, listed, keyed, list):
        assert dataset_statistics(DataLoader(dataset, batch_size=batch_size, collate_fn=collate)) == wanted


def test_the_first_of_each_batch_alone():
    for make in (COLOR["labelled"], COLOR["alone"], ONE_CHANNEL["labelled"], ONE_CHANNEL["with an axis"]):
        firsts = DataLoader(Made(make), batch_size=4, collate_fn=lambda items: items[0])
        assert dataset_statistics(firsts) == dataset_statistics([make(i) for i in range(0, len(PICTURES), 4)])


def test_a_data_set_that_is_asked_for_many_at_once():
    for pictures in (PICTURES, GREY):
        dataset = Made(lambda i, pictures=pictures: (pictures[i], torch.as_tensor(i)))
        loader = DataLoader(dataset, sampler=BatchSampler(SequentialSampler(dataset), 8, False), batch_size=None)
        assert dataset_statistics(loader) == dataset_statistics(list(pictures))


def test_where_the_picture_is_may_be_said():
    dataset = Made(lambda i: {"a": PICTURES[i] // 2, "b": PICTURES[i]})
    pairs = Made(lambda i: (PICTURES[i] // 2, PICTURES[i]))
    grey = Made(lambda i: (GREY[i] // 2, GREY[i]))
    for collate in (None, list, collated):
        for source, place, wanted in ((dataset, "b", PICTURES), (pairs, 1, PICTURES), (grey, 1, list(GREY))):
            loader = DataLoader(source, batch_size=8, collate_fn=collate)
            assert dataset_statistics(loader, image=place) == dataset_statistics(wanted)
            assert dataset_statistics(loader, image=lambda item, at=place: item[at]) == dataset_statistics(wanted)


def boxes(i):
    return torch.arange(12.0).reshape(3, 4) + i


def ring(i):
    """A mask."""
    return (GREY[i] > GREY[i].float().mean()).to(torch.uint8)


BEFORE = {
    "int64 mask": lambda i: ring(i).long(),
    "bool mask": lambda i: ring(i).bool(),
    "float mask with an axis": lambda i: ring(i)[None].float(),
    "boxes": boxes,
    "dict of boxes": lambda i: {"boxes": boxes(i), "labels": torch.ones(3).long()},
    "dict of masks": lambda i: {"boxes": boxes(i), "masks": torch.ones(3, 12, 12, dtype=torch.uint8)},
    "Mask": lambda i: tv_tensors.Mask(ring(i).expand(3, -1, -1)),
    "BoundingBoxes": lambda i: tv_tensors.BoundingBoxes(boxes(i), format="XYXY", canvas_size=(12, 12)),
    "list of masks": lambda i: [ring(i).bool(), ring(i).bool()],
}


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_what_is_before_the_picture_is_told_from_it(before):
    dataset = Made(lambda i: (before(i), PICTURES[i]))
    wanted = dataset_statistics(PICTURES)
    assert dataset_statistics(dataset) == wanted
    assert dataset_statistics(Made(lambda i: (before(i), tv_tensors.Image(PICTURES[i]), i))) == wanted
    for batch_size in (1, 3, 8):
        assert dataset_statistics(DataLoader(dataset, batch_size=batch_size)) == wanted
        for collate in (list, zipped):
            assert dataset_statistics(DataLoader(dataset, batch_size=batch_size, collate_fn=collate)) == wanted
    assert (grid(dataset, "HALF").pixels == grid(Made(lambda i: PICTURES[i]), "HALF").pixels).all()
    for kind in (list, tuple):
        batch = kind(default_collate([(before(i), PICTURES[i]) for i in range(5)]))
        if not isinstance(before(0), (tv_tensors.Mask, list)):
            assert (grid(batch, "HALF").pixels == grid(PICTURES[:5], "HALF").pixels).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda i: (pil(i).convert("1"), pil(i)),
        lambda i: (pil(i).quantize(4), pil(i)),
        lambda i: (functional.to_pil_image(ring(i)), pil(i)),
        lambda i: {"segmentation": pil(i).convert("L"), "photo": pil(i)},
        lambda i: {"gt_mask": pil(i), "photo": pil(i)},
        lambda i: {"mask": ring(i), "image": pil(i)},
        lambda i: {"ids": ring(i).long(), "photo": PICTURES[i]},
        lambda i: (boxes(i).numpy(), {"image": pil(i)}),
        lambda i: ((ring(i) * 30 + ring(i).roll(1)).numpy(), pil(i)),
    ],
)
def test_pictures_and_dicts_with_masks(make):
    assert dataset_statistics(Made(make)) == dataset_statistics(PICTURES)
    assert dataset_statistics(DataLoader(Made(make), batch_size=8, collate_fn=list)) == dataset_statistics(PICTURES)


COLLATED = (None, list, zipped, collated)


@pytest.mark.parametrize(
    ("make", "places"),
    [
        (lambda i: (PICTURES[i], PICTURES[i].flip(-1)), (0, 1)),
        (lambda i: (GREY[i][None], PICTURES[i]), (0, 1)),  # to be colored
        (lambda i: (i, PICTURES[i], PICTURES[i] // 2), (1, 2)),
        (lambda i: {"low": PICTURES[i] // 2, "high": PICTURES[i]}, ("low", "high")),
        (lambda i: {"depth": GREY[i][None], "rgb": PICTURES[i]}, ("depth", "rgb")),
    ],
)
def test_of_equally_good_ones_none_is_taken_and_both_are_named(make, places):
    assert min(len(image.unique()) for image in GREY) > 4
    first, second = places
    message = (
        rf"^image 0: ImageTypeError: 2 members of the (tuple|list|dict) are equally good images: pass image={first!r} "
        rf"or image={second!r} to choose one\.$"
    )
    for collate in COLLATED:
        if isinstance(make(0), dict) and collate is zipped:
            continue
        loader = DataLoader(Made(make), batch_size=8, collate_fn=collate)
        for source in (Made(make), loader):
            with pytest.raises(DatasetError, match=message):
                dataset_statistics(source)
        if collate is not zipped:
            for place in places:
                wanted = dataset_statistics([make(i)[place] for i in range(len(PICTURES))])
                assert dataset_statistics(loader, image=place) == wanted


def test_equally_good_ones_deeper_in_an_item_are_named_by_their_path():
    nested = Made(lambda i: (i, {"low": PICTURES[i] // 2, "high": PICTURES[i]}))
    place = "image=lambda item: item[1]['low'] or image=lambda item: item[1]['high'] to choose one"
    with pytest.raises(DatasetError, match=re.escape(place)):
        dataset_statistics(nested)


def squeezed(items):
    return torch.stack([item[0] for item in items]).squeeze(1), len(items)


def test_what_may_be_several_pictures_or_one_is_refused():
    message = (
        "image 0: ImageError: a batch holds a Tensor of shape (8, 12, 12), which may be 8 grey images or one "
        "image: expected (N, C, H, W). Let collate_fn stack images with a channel axis, give the data set instead "
        "of the loader, or pass channel_axis= if it is one image."
    )
    for source in (Made(ONE_CHANNEL["with an axis"]), Streamed(ONE_CHANNEL["labelled"])):
        loader = DataLoader(source, batch_size=8, collate_fn=squeezed)
        with pytest.raises(DatasetError, match=f"^{re.escape(message)}$"):
            dataset_statistics(loader)
        assert dataset_statistics(loader, channel_axis=0, limit=1).channels == 8
    three = DataLoader(Streamed(ONE_CHANNEL["labelled"]), batch_size=3, collate_fn=squeezed)
    with pytest.raises(DatasetError, match=r"of shape \(3, 12, 12\), which may be 3 grey images or one"):
        dataset_statistics(three)


def test_a_wrapper_of_a_loader():
    class Moved:
        def __init__(self, loader, called):
            self.called = called
            setattr(self, called, loader)

        def __iter__(self):
            yield from getattr(self, self.called)

    for name, make in (*COLOR.items(), *ONE_CHANNEL.items()):
        if name not in ("two views", "stack of views"):
            for called in ("loader", "_batches"):
                moved = Moved(DataLoader(Made(make), batch_size=8), called)
                assert dataset_statistics(moved) == dataset_statistics(Made(make)), name
                assert dataset_statistics(Moved(moved, "loader")) == dataset_statistics(Made(make)), name


def test_the_pictures_after_normalize_are_judged_where_the_raw_ones_are_kept_too():
    mean, std = zip(*((m / 255, s / 255) for m, s in zip(*_statistics(), strict=True)), strict=True)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    dataset = Made(lambda i: {"image": pil(i), "pixel_values": transform(pil(i))}, transform)
    (result,) = check(dataset, select=["dataset_is_standardized"]).results
    assert result.status == "passed", result.message


def _statistics():
    found = dataset_statistics(PICTURES)
    return found.mean, found.std


CLIPS = PICTURES[:20].unflatten(0, (4, 5)).transpose(1, 2)  # four, (C, T, H, W)


@pytest.mark.parametrize(
    "given",
    [
        lambda clips: clips,
        lambda clips: DataLoader(clips, 3),
        lambda clips: DataLoader(clips, batch_size=None),
        lambda clips: [clips[index].numpy() for index in range(len(clips))],
    ],
    ids=["data set", "loader", "no batches", "arrays"],
)
def test_each_frame_of_a_clip_is_a_picture(given) -> None:
    frames = Made(lambda index: CLIPS[index])
    frames.__class__ = type("Clips", (Made,), {"__len__": lambda self: len(CLIPS)})
    assert dataset_statistics(given(frames)).to_dict() == dataset_statistics(PICTURES[:20]).to_dict()


def test_three_pictures_of_eight_bands_are_no_clip() -> None:
    bands = PICTURES[:20, :2].reshape(5, 8, *PICTURES.shape[2:])
    of_each = dataset_statistics(list(bands)).to_dict()
    assert len(of_each["mean"]) == 8
    for given in (bands, DataLoader(TensorDataset(bands), 3), DataLoader(bands, 3, collate_fn=torch.stack)):
        assert dataset_statistics(given).to_dict() == of_each
