"""Every pair of pipelines is judged right: a sample in the quick suite, all of them with ``-m sweep``."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import compared_pairs as pairs
import pytest

import pytest_denorm

#: One of each kind, and each way in which a pipeline is given, as cheap as can be.
QUICK = {
    "color_jitter_in_training", "six_digits_of_one_over_255", "reads_bytes_with_cv2", "reads_bgr_and_turns_it",
    "weights_against_a_preset", "processor_config_in_a_folder", "half_precision_in_the_server", "loader_and_function",
    "grey_images", "arithmetic_on_floats", "raw_images_and_a_network_that_normalizes", "both_clamp",
    "divided_once_more", "array_not_divided", "bgr_as_given", "augmented_and_reversed", "config_of_another_model",
    "one_std_mistyped", "in_the_network_after_a_data_set", "validation_without_normalize", "clamped_elsewhere",
    "divided_where_values_are_large", "colors_drawn_in_a_function", "channels_last_and_strict",
}  # fmt: skip


@pytest.fixture(autouse=True)
def quiet_libraries() -> Iterator[None]:
    """What other libraries warn of is not of interest here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize(
    "row",
    [pytest.param(row, id=row.name, marks=() if row.name in QUICK else pytest.mark.sweep) for row in pairs.ROWS],
)
def test_a_pair_is_judged_right(row: pairs.Row) -> None:
    try:
        given = row.make()
    except ImportError as error:
        pytest.skip(str(error))
    found = pytest_denorm.compare(**given)
    assert (found.kind, found.ok) == (row.kind, row.kind == "same"), str(found)
    assert found.to_dict()["kind"] == row.kind


def test_the_table_is_long_enough_and_its_names_differ() -> None:
    names = [row.name for row in pairs.ROWS]
    assert len(set(names)) == len(names) >= 100
    assert set(names) >= QUICK
