"""What a session wants of its image tests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

from ..core.text import printable
from ..errors import SettingsError

CI_VARIABLES = ("CI", "BUILD_NUMBER", "TF_BUILD")
"""Set where a machine runs the tests and nobody watches (the second by Jenkins, the third by Azure Pipelines)."""


@dataclass(frozen=True)
class ImageOptions:
    """The options of image tests, each as ``--denorm-...`` and as ``denorm_...`` in the ini.

    Attributes:
        baseline_dir: the folder of baselines, relative to the root folder.
        overlay: a folder below that of the baselines, whose files come first; empty for none.
        compare: whether figures are compared: always, only under ``--mpl``, or never.
        baselines: what is stored: PNG files, or digests of their pixels in one library.
        update: which baselines are written: those that are missing, also those that differ, or all.
        update_in_ci: whether that is allowed under CI.
        unused: what is done about baselines that no test used.
        results: the folder of the images of failures; None for pytest's cache folder.
        report: where to write the review page, if anywhere.
        baseline_dir_is_set: whether `baseline_dir` was given, and comes before that of pytest-mpl.
    """

    baseline_dir: str = "baseline_images"
    overlay: str = ""
    compare: Literal["always", "mpl", "never"] = "always"
    baselines: Literal["images", "digests"] = "images"
    update: Literal["missing", "failed", "all", ""] = ""
    update_in_ci: bool = False
    unused: Literal["warn", "fail", "delete", ""] = ""
    results: str = ""
    report: str = ""
    baseline_dir_is_set: bool = False

    def refuse_paths(self, root: Path) -> None:
        """Refuse before the tests what could not be written after them, and a page in the place of a test.

        Args:
            root: the folder that relative paths start from.

        Raises:
            SettingsError: a report that is not to be an .html file, or a folder that is something else.
        """
        for name in ("baseline_dir", "results"):
            folder = root / getattr(self, name)
            _refuse_files(f"denorm_{name}", folder, folder)
        overlay = PurePath(self.overlay)
        if overlay.is_absolute() or ".." in overlay.parts or "\0" in self.overlay:
            raise SettingsError(
                f"denorm_overlay is {self.overlay!r}: expected a folder below that of the baselines, such as 'macos'."
            )
        if not self.report:
            return
        page = root / self.report
        if os.path.isdir(page) or page.suffix.lower() not in (".html", ".htm"):
            found = ", a folder" if os.path.isdir(page) else ""
            raise SettingsError(f"denorm_report is {printable(str(page))}{found}: expected the name of an .html file.")
        _refuse_files("denorm_report", page, page.parent)

    def refuse_in_ci(self, environ: Mapping[str, str] = os.environ) -> None:
        """Refuse to write or delete baselines under CI, where nobody reviews them.

        Raises:
            SettingsError: files are to be written or deleted under CI, without the option that allows it.
        """
        asked = f"--denorm-update={self.update}" if self.update else ""
        asked = asked or ("--denorm-unused=delete" if self.unused == "delete" else "")
        found = [name for name in CI_VARIABLES if environ.get(name, "").lower() not in ("", "0", "false")]
        if asked and found and not self.update_in_ci:
            raise SettingsError(
                f"{asked} is refused under CI (the environment variable {found[0]} is set): baselines that are "
                f"written there are reviewed by nobody. Run it on your machine and commit the files, or add "
                f"--denorm-update-in-ci."
            )


def _refuse_files(name: str, given: Path, folder: Path) -> None:
    """Refuse what cannot be a folder, because it, or something above it, is there and is none."""
    for path in (folder, *folder.parents):
        if os.path.exists(path) and not os.path.isdir(path):
            within = "" if path == given else f", and {printable(str(path))} is no folder"
            raise SettingsError(f"{name} is {printable(str(given))}{within}: expected a folder.")
