"""A pipeline that declares nothing is measured: what it does to colours may be a Normalize all the same."""

from __future__ import annotations

import math
import warnings
from typing import Any

from ..core.normalization import Normalization
from ..errors import DenormError, NormalizeNotFoundError, StatisticsWarning
from .walk import Located, locate

__all__ = ["locate_or_measure", "located_as_measured"]

_TURN_BACK = (
    " Take the exchange of channels out; or, where the network wants them so, give your own inverse, which turns them "
    "back: inverse=."
)
_BY_ITSELF = " It is a network: give what normalizes in it by itself, a layer or a method of it."


def locate_or_measure(pipeline: Any, channels: int | None = None) -> Located:
    """As :func:`~pytest_denorm.pipelines.locate`; where nothing is declared, what the probe measured.

    Args:
        channels: of the pictures to measure with first, where that is known.

    Raises:
        NormalizeNotFoundError: nothing is declared, and nothing that a Normalize does was measured.
        and all that :func:`~pytest_denorm.find_normalize` raises.
    """
    try:
        return locate(pipeline)
    except NormalizeNotFoundError as error:
        call = _call_of(pipeline)
        if not callable(call):
            raise
        normalization = _measured(call, error, channels)
    return located_as_measured(pipeline, normalization)


def _call_of(pipeline: Any) -> Any:
    return pipeline if callable(pipeline) else getattr(pipeline, "preprocess", None)


def located_as_measured(pipeline: Any, normalization: Normalization) -> Located:
    """A pipeline that declares nothing, and was measured to do this."""
    normalization = normalization.located(f"nothing declared; {normalization.source}")
    return Located(normalization, "", "a pipeline that declares no Normalize", pipeline, call=_call_of(pipeline))


def _measured(pipeline: Any, nothing_declared: NormalizeNotFoundError, channels: int | None) -> Normalization:
    from .counts import first_of
    from .probing import is_network, probe_with

    found = None
    try:
        found = probe_with(pipeline, first_of(channels), others=True)
        normalization = found.normalization()
    except DenormError as error:
        order = () if found is None else found.order or ()
        advice = _TURN_BACK if list(order) != sorted(order) else _BY_ITSELF if is_network(pipeline) else ""
        raise NormalizeNotFoundError(f"{nothing_declared.said}\nMeasured: {error}{advice}", measured=found) from error
    as_they_enter = all(math.isclose(std, 1, abs_tol=1e-3) for std in normalization.std) and all(
        math.isclose(mean, 0, abs_tol=1e-3) for mean in normalization.mean
    )
    if found.undivided:
        warnings.warn(
            f"{found.undivided} holds bytes, and what the pipeline makes of it is 255 times what it makes of "
            f"{found.convention}: it does not divide by 255. Divide before the mean is taken off; or, if none but "
            f"values in 0..1 go in, declare this an expected failure.",
            StatisticsWarning,
            stacklevel=2,
        )
    if as_they_enter:
        raise NormalizeNotFoundError(
            f"{nothing_declared.said}\nMeasured: pictures in 0..1 leave it as they enter ({normalization.source})."
        )
    return normalization
