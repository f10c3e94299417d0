"""Items whose failures are told by their message alone."""

from __future__ import annotations

from typing import Any

import pytest

from ..errors import DenormError

__all__ = ["ToldItem"]


class ToldItem(pytest.Item):
    """An item of ours: no traceback of the plugin's own frames stands around what it says.

    Attributes:
        is_told: its skips are told at what :meth:`reportinfo` says, because no frame of a test raises them.
    """

    is_told = True

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if not isinstance(excinfo.value, (AssertionError, DenormError)):
            return super().repr_failure(excinfo, style)
        told = excinfo.getrepr(style="value", chain=False)
        if told.reprcrash is not None:
            told.reprcrash.message = str(excinfo.value)  # the line of the summary begins with it
        return told
