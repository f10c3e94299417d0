"""The maths of Normalize: statistics, their inverse, what is refused, what is warned about."""

from __future__ import annotations

import copy
import math
import pickle
import re
import warnings
from dataclasses import FrozenInstanceError, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pytest_denorm import PRESETS, DenormError, Normalization, preset
from pytest_denorm.errors import StatisticsError, StatisticsWarning

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

means = st.floats(-1e6, 1e6)
stds = st.floats(1e-6, 1e6).flatmap(lambda std: st.sampled_from([std, -std]))
statistics = st.lists(st.tuples(means, stds), min_size=1, max_size=8)


def make(pairs: list[tuple[float, float]], **options: float) -> Normalization:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        return Normalization([mean for mean, _ in pairs], [std for _, std in pairs], **options)  # type: ignore[arg-type]


class TestStatistics:
    FORMS = {  # noqa: RUF012
        "tuple": tuple,
        "list": list,
        "iterator": iter,
        "array": np.array,
        "tensor": lambda numbers: torch.tensor(numbers, dtype=torch.float64),
        "(1, 3, 1, 1)": lambda numbers: torch.tensor(numbers, dtype=torch.float64).view(1, 3, 1, 1),
        "tensors": lambda numbers: [torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in numbers],
        "numbers of numpy": lambda numbers: [np.float64(number) for number in numbers],
        "decimals": lambda numbers: [Decimal(str(number)) for number in numbers],
    }

    @pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
    def test_every_usual_form_becomes_floats(self, form):
        made = Normalization(form(MEAN), form(STD))
        assert (made.mean, made.std) == (MEAN, STD)
        assert all(type(number) is float for number in made.mean + made.std)
        assert made.channels == 3

    def test_columns_of_a_table_have_a_shape_and_cannot_be_reshaped(self):
        class Column:  # as pandas.Series
            shape = (3,)

            def tolist(self):
                return list(MEAN)

        assert Normalization(Column(), STD).mean == MEAN

    def test_it_is_frozen_and_hashable(self):
        made = Normalization(MEAN, STD)
        with pytest.raises(FrozenInstanceError):
            made.mean = (0.0,)  # type: ignore[misc]
        assert {made: 1}[Normalization(list(MEAN), list(STD), source="elsewhere")] == 1
        assert made != Normalization(MEAN, STD[::-1])

    def test_equal_maps_are_equal_wherever_they_were_found_and_the_channels_are(self):
        made = Normalization(MEAN, STD)
        for other in (made.located("there"), Normalization(MEAN, STD, channel_axis=-1)):
            assert made == other
            assert hash(made) == hash(other)

    def test_repr_can_be_evaluated(self):
        for made in (*PRESETS.values(), Normalization(0.5, 0.5, 16777215.0), Normalization(MEAN, STD).inverse()):
            assert eval(repr(made)) == made

    def test_repr_leaves_out_what_is_usual(self):
        assert repr(Normalization(0.5, 0.25)) == "Normalization(mean=(0.5,), std=(0.25,))"
        full = "Normalization(mean=(127.5,), std=(51.0,), pixel_max=255.0, source='here')"
        assert repr(Normalization(127.5, 51, 255, source="here")) == full

    def test_str_is_for_people(self):
        assert str(PRESETS["mnist"]) == "mean (0.1307,), std (0.3081,), images in 0..1"
        assert str(Normalization(127.5, 127.5, 255)) == "mean (127.5,), std (127.5,), images in 0..255"

    def test_pickle_and_copies_are_equal(self):
        made = Normalization(MEAN, STD, source="here", channel_axis=-1).inverse()
        for twin in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made)):
            assert twin == made
            assert (twin.source, twin.channel_axis) == (made.source, made.channel_axis)
            assert twin.inverse() == made.inverse()

    def test_located_changes_nothing_but_the_source(self):
        made = Normalization(MEAN, STD).inverse()
        found = made.located("there")
        assert found == made
        assert (found.source, made.source) == ("there", "")
        assert found.inverse() is made.inverse()


class TestRefused:
    SIZES = "expected one number of each a channel. Got"
    REAL = "not a number: expected a real number such as 0.485."
    ONE_EACH = "expected one number a channel, such as (0.485, 0.456, 0.406)."
    ZERO = (
        "std[{}] is 0: Normalize would divide by zero, and no inverse exists. Expected a finite number other than 0; "
        "use 1.0 to leave the scale of a channel as it is."
    )
    SMALL = (
        "std[0] is {}: so small that the inverse (1/std, -mean/std) is not finite. Expected a std of the size of the "
        "images' values, 0..{}."
    )
    WHITE = "expected the value of white in the images that enter Normalize, 1.0 after ToTensor or 255.0 for bytes."

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((MEAN, (0.229, 0, 0.225)), ZERO.format(1)),
            ((0.5, -0.0), ZERO.format(0)),
            ((0.5, math.nan), "std[0] is nan: expected a finite number other than 0."),
            (((0.5, math.inf), (0.5, 0.5)), "mean[1] is inf: expected a finite number."),
            (
                (MEAN, STD[:2]),
                f"mean has 3 numbers, std has 2 numbers: {SIZES} mean (0.485, 0.456, 0.406) and std (0.229, 0.224).",
            ),
            ((0.5, ()), f"mean has 1 number, std has 0 numbers: {SIZES} mean (0.5,) and std ()."),
            (((), []), "mean and std are empty: expected one number a channel, at least one channel."),
            ((None, 0.5), f"mean[0] is None, {REAL}"),
            ((["0.5"], 0.5), f"mean[0] is '0.5', {REAL}"),
            ((0.5, np.array([True])), f"std[0] is True, {REAL}"),
            ((0.5, [1j]), f"std[0] is 1j, {REAL}"),
            (([[0.5]], 0.5), f"mean[0] is [0.5], {REAL}"),
            (("imagenet", 0.5), f"mean is 'imagenet': {ONE_EACH}"),
            ((0.5, {0.5}), f"std is {{0.5}}: {ONE_EACH}"),
            (({"r": 1}, 0.5), f"mean is {{'r': 1}}: {ONE_EACH}"),
            (
                (np.zeros((3, 2)), np.ones((3, 2))),
                "mean has shape (3, 2): expected one number a channel, that is a list of numbers or a tensor with at "
                "most one axis longer than 1.",
            ),
            ((0.5, 1e-320), SMALL.format(1e-320, 1)),
            ((1e300, 1e-10, 255), SMALL.format(1e-10, 255)),
            ((0.5, 0.5, "white"), f"pixel_max is 'white', {REAL}"),
            ((0.5, 0.5, 0), f"pixel_max is 0.0: {WHITE}"),
            ((0.5, 0.5, math.nan), f"pixel_max is nan: {WHITE}"),
        ],
    )
    def test_with_a_message_that_says_what_would_be_right(self, arguments, message):
        with pytest.raises(StatisticsError, match=f"^{re.escape(message)}$") as caught:
            Normalization(*arguments)
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, DenormError)

    @pytest.mark.parametrize("axis", ["C", 1.5, True])
    def test_an_axis_that_is_no_whole_number(self, axis):
        message = f"channel_axis is {axis!r}: expected a whole number of axes, such as -3."
        with pytest.raises(StatisticsError, match=f"^{re.escape(message)}$"):
            Normalization(MEAN, STD, channel_axis=axis)

    def test_a_negative_std_is_not(self):
        made = Normalization(0.5, -0.25)
        assert made.std == (-0.25,)
        assert made.inverse().std == (-4.0,)
        assert made.normalize(torch.tensor([[[1.0]]])).item() == -2.0


class TestWarned:
    BYTES = (
        "mean (123.675, 116.28, 103.53) and std (58.395, 57.12, 57.375) look like statistics of bytes (0..255), on "
        "images whose white is 1.0. Divide both by 255, or give pixel_max=255.0 if the images that enter "
        "Normalize are 0..255."
    )
    UNITS = (
        "mean (0.485, 0.456, 0.406) and std (0.229, 0.224, 0.225) look like statistics of images in 0..1, on "
        "images whose white is 255. Multiply both by 255, or leave pixel_max at 1.0 if the images that enter "
        "Normalize are 0..1."
    )

    def test_bytes_on_the_unit_scale(self):
        with pytest.warns(StatisticsWarning, match=f"^{re.escape(self.BYTES)}$") as caught:
            Normalization((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
        assert caught[0].filename == __file__

    def test_units_on_the_byte_scale(self):
        with pytest.warns(StatisticsWarning, match=f"^{re.escape(self.UNITS)}$"):
            Normalization(MEAN, STD, 255.0)

    @pytest.mark.parametrize(
        ("message", "all_arguments"),
        [
            # one number beyond what units have is enough
            ("look like statistics of bytes", [(0, 255), (2.1, 2.1), (16.1, 0.5), ((0.5, 0.5), (0.5, 16.1)), (255, 1)]),
            (
                r"are of no image whose white is 1\.0: its mean lies in 0\.\.1\. Is a ",
                [(2.1, 0.5), ((0.5, 2.1), (0.5, 0.5)), (16, 2)],
            ),
            (
                r"are beyond those of bytes, .* such as pixel_max=65535\.0 for 16 bits",
                [(255.1, 60), (1353.7, 897.3), (100, 255.1)],
            ),
            (
                r"look like statistics of images in 0\.\.1",
                [(1.0, 0.99, 255.0), (0.1, 0.99, 255.0), ((0.0, 0.1), (0.9, 0.1), 255.0)],
            ),
        ],
    )
    def test_of_numbers_that_belong_to_another_scale(self, message, all_arguments):
        for arguments in all_arguments:
            with pytest.warns(StatisticsWarning, match=message):
                Normalization(*arguments)

    @pytest.mark.parametrize(
        "arguments",
        [
            ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), 255.0),
            (127.5, 127.5, 255.0),
            (0, 1, 255.0),
            (0, 0.5, 255.0),
            (0.5, 1, 255.0),
            (1.1, 0.5, 255.0),
            (0, 1),
            (2, 16),
            (0.5, -20.0),
            (1.0, 2.0),
            (-100.0, 50.0),
            (-0.5, 20.0),
            (2.5, -4.0),
            (30000.0, 9000.0, 65535.0),
        ],
    )
    def test_sensible_statistics_are_silent(self, arguments):
        made = Normalization(*arguments)
        assert made.inverse().inverse() is made


class TestInverse:
    def test_is_the_formula(self):
        inverse = Normalization(MEAN, STD).inverse()
        assert inverse.mean == (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225)
        assert inverse.std == (1 / 0.229, 1 / 0.224, 1 / 0.225)

    @given(pairs=statistics, white=st.sampled_from([1.0, 255.0, 65535.0]))
    def test_of_the_inverse_is_the_first_one_to_the_last_bit(self, pairs, white):
        made = make(pairs, pixel_max=white)
        again = made.inverse().inverse()
        assert again == made
        assert again.inverse() == made.inverse()
        assert again.inverse().inverse().inverse().inverse() == made

    @given(pairs=statistics, x=st.floats(0, 1))
    def test_undoes_it_in_exact_arithmetic(self, pairs, x):
        made = make(pairs)
        for (mean, std), back_mean, back_std in zip(pairs, made.inverse().mean, made.inverse().std, strict=True):
            y = (Fraction(x) - Fraction(mean)) / Fraction(std)
            back = (y - Fraction(back_mean)) / Fraction(back_std)
            # the two constants are each rounded once; -mean/std may be subnormal
            bound = Fraction(4 * 2**-53) * (Fraction(x) + abs(Fraction(mean))) + Fraction(1e-300)
            assert abs(back - Fraction(x)) <= bound

    def test_is_normalize_the_other_way_round(self):
        made = Normalization(MEAN, STD)
        x = torch.rand(2, 3, 5, 4, dtype=torch.float64)
        torch.testing.assert_close(made.inverse().normalize(x), made.denormalize(x), rtol=1e-14, atol=1e-14)
        torch.testing.assert_close(made.inverse().denormalize(x), made.normalize(x), rtol=1e-14, atol=1e-14)

    def test_keeps_scale_axis_and_the_way_it_was_found(self):
        made = Normalization(MEAN, STD, 1.0, source="preset x", channel_axis=-1)
        inverse = made.inverse()
        assert (inverse.pixel_max, inverse.channel_axis, inverse.source) == (1.0, -1, "inverse of preset x")
        assert inverse.inverse() is made

    @pytest.mark.parametrize(
        "change", [{"mean": (0.0, 0.0, 0.0)}, {"std": (1.0, 1.0, 1.0)}, {"pixel_max": 2.0}, {"channel_axis": -1}]
    )
    def test_of_a_changed_inverse_belongs_to_the_change(self, change):
        changed = replace(Normalization(MEAN, STD).inverse(), **change)
        back = changed.inverse()
        assert back.std == tuple(1 / std for std in changed.std)
        assert (back.pixel_max, back.channel_axis) == (changed.pixel_max, changed.channel_axis)
        assert back.inverse() is changed


class TestExpand:
    def test_spells_out_one_channel(self):
        made = Normalization(0.5, 0.25, 1.0, source="x")
        wide = made.expand(3)
        assert (wide.mean, wide.std, wide.source) == ((0.5,) * 3, (0.25,) * 3, "x")
        assert made.expand(1) is made
        assert made.inverse().expand(3).inverse() == wide
        odd = Normalization(0.13, 0.22)  # 1 / (1 / 0.22) is another number
        assert odd.inverse().expand(2).inverse() == odd.expand(2)

    def test_refuses_another_number_of_channels(self):
        message = "mean has 3 numbers, the images have 1 channel: expected as many of one as of the other."
        with pytest.raises(StatisticsError, match=f"^{re.escape(message)}$"):
            Normalization(MEAN, STD).expand(1)


class TestPresets:
    @pytest.mark.parametrize("name", PRESETS)
    def test_by_name(self, name):
        for spelling in (name, name.upper(), name.replace("-", "_"), name.replace("-", " ").title()):
            assert preset(spelling) is PRESETS[name]
        assert preset(name).source == f"preset {name}"

    def test_unknown_name_lists_the_known_ones(self):
        message = f"no preset is named 'imagnet': expected one of {', '.join(PRESETS)}."
        with pytest.raises(StatisticsError, match=f"^{re.escape(message)}$"):
            preset("imagnet")

    @pytest.mark.parametrize(
        ("name", "mean", "std"),
        [
            ("imagenet", "0.485 0.456 0.406", "0.229 0.224 0.225"),
            ("half", "0.5 0.5 0.5", "0.5 0.5 0.5"),
            ("clip", "0.48145466 0.4578275 0.40821073", "0.26862954 0.26130258 0.27577711"),
            ("cifar10", "0.4914 0.4822 0.4465", "0.247 0.2435 0.2616"),
            ("cifar10-mean-of-stds", "0.4914 0.4822 0.4465", "0.2023 0.1994 0.201"),
            ("cifar100", "0.5071 0.4867 0.4408", "0.2675 0.2565 0.2761"),
            ("mnist", "0.1307", "0.3081"),
            ("fashion-mnist", "0.286", "0.353"),
            ("svhn", "0.4377 0.4438 0.4728", "0.198 0.201 0.197"),
            ("kinetics400", "0.43216 0.394666 0.37645", "0.22803 0.22145 0.216989"),
        ],
    )
    def test_are_the_published_numbers_on_the_unit_scale(self, name, mean, std):
        made = PRESETS[name]
        assert (" ".join(map(str, made.mean)), " ".join(map(str, made.std)), made.pixel_max) == (mean, std, 1.0)

    def test_imagenet_is_what_torchvision_uses(self):
        from torchvision.transforms._presets import ImageClassification

        shipped = ImageClassification(crop_size=224)
        assert (PRESETS["imagenet"].mean, PRESETS["imagenet"].std) == (tuple(shipped.mean), tuple(shipped.std))


def test_methods_are_the_functions():
    made = Normalization(MEAN, STD)
    bytes_in = torch.arange(256, dtype=torch.uint8).expand(3, 1, 256)
    y = made.normalize(bytes_in)
    assert torch.equal(made.to_uint8(y), bytes_in)
    out = torch.empty_like(y)
    assert made.denormalize(y, out=out) is out
    assert torch.equal(out, made.denormalize(y))


class TestWhatCannotBeRead:
    def test_numbers_whose_object_raises(self) -> None:
        def ends_early():
            yield 0.5
            raise RuntimeError("gone")

        said = (
            r"^mean is a generator that cannot be read: .*RuntimeError: gone\. Expected one number a channel, such as "
        )
        with pytest.raises(StatisticsError, match=said):
            Normalization(ends_early(), [0.5])

    @pytest.mark.parametrize("name", [3, None, ["imagenet"]])
    def test_a_preset_whose_name_is_none(self, name: object) -> None:
        with pytest.raises(StatisticsError):
            preset(name)  # type: ignore[arg-type]
