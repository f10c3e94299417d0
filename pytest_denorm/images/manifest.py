"""``results.json``: what became of each image test of a session, and which baselines there are, for other programs.

It lies in the folder of results, and names the images there relative to itself, so that the folder can be moved: an
artifact that was downloaded from CI is as good as the folder on the machine that drew it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ..core.files import read_regular, write_whole
from ..core.text import printable
from ..errors import BaselineError

NAME = "results.json"
_VERSION = 1
_MOST_BYTES = 2**28

#: Facts of a test that are told as numbers.
NUMBERS = (
    *("differing_pixels", "max_difference", "mean_difference", "psnr", "box", "differing_tiles", "amplified"),
    *("baseline_size", "result_size"),
)
#: The kinds of failures that are no difference.
_KINDS = {"missing": "new", "unreadable": "unreadable"}
_IMAGES = ("baseline", "result", "comparison", "thumbnail")


@dataclass(frozen=True)
class Result:
    """What became of one image test.

    Attributes:
        test: its node id.
        verdict: ``equal``, ``different``, ``missing``, ``unreadable``, ``updated``, ``no figure``, ``not compared``,
            ``compared by hash``, or ``expected to fail`` for a failure that is an xfail.
        file, line: where the test is; the file relative to the root folder, lines from 1.
        baseline: its path relative to the root folder, with slashes.
        target: where a new baseline is to be written; another folder than the baseline's where there is an overlay.
        form: ``images`` or ``digests``.
        sha256: of the pixels that were drawn; see :func:`~pytest_denorm.images.digests.digest_of`.
        before: the same of the baseline, where they differ and it is an image.
        tiles: short digests of the tiles, where digests are stored.
        kind, diagnosis: what happened to the image.
        message: what the terminal said.
        numbers: those of the difference.
        images: path of each image, by what it shows.
    """

    test: str
    verdict: str
    file: str = ""
    line: int = 0
    baseline: str = ""
    target: str = ""
    form: str = "images"
    sha256: str = ""
    before: str = ""
    tiles: str = ""
    kind: str = ""
    diagnosis: str = ""
    message: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)


def result_of(test: str, facts: Mapping[str, Any], message: str) -> Result:
    """Return the result of a test from what its report says of it; paths of images stay absolute."""
    texts = ("file", "baseline", "target", "form", "sha256", "before", "tiles", "kind", "diagnosis")
    found = {name: str(facts.get(name, "")) for name in texts}
    numbers = {name: facts[name] for name in NUMBERS if name in facts}
    images = {kind: str(facts[f"{kind}_picture"]) for kind in _IMAGES if f"{kind}_picture" in facts}
    line = int(facts.get("line", 0))
    found["kind"] = found["kind"] or _KINDS.get(str(facts["image"]), "")
    verdict = "expected to fail" if facts.get("is_expected") else str(facts["image"])
    return Result(test, verdict, line=line, message=message, numbers=numbers, images=images, **found)


def write_manifest(folder: Path, results: Iterable[Result], root: Path) -> None:
    """Write the manifest of a session.

    The baselines that earlier sessions knew stay on its list, while their files are there.

    Raises:
        BaselineError: it cannot be written.
    """
    results = list(results)
    known = {name: sha256 for name, sha256 in known_baselines(folder).items() if (root / name).is_file()}
    known |= {one.baseline: one.sha256 for one in results if one.baseline and one.verdict in ("equal", "updated")}
    tests = []
    for one in results:
        images = {kind: _relative(path, folder) for kind, path in one.images.items()}
        tests.append({**vars(one), "numbers": dict(one.numbers), "images": images})
    whole = {"version": _VERSION, "root": str(root), "tests": tests, "baselines": dict(sorted(known.items()))}
    write_whole(folder / NAME, (json.dumps(whole, indent=1) + "\n").encode())


def _relative(path: str, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return path


def known_baselines(folder: Path) -> dict[str, str]:
    """Return the baselines that sessions with these results compared: path relative to the root, sha256 of its pixels.

    Nothing is known where there is no manifest that can be read: it is a record, and no test depends on it.
    """
    try:
        found = _load(folder).get("baselines", {})
    except BaselineError:
        return {}
    return {name: one for name, one in found.items() if isinstance(one, str)} if isinstance(found, dict) else {}


def read_manifest(folder: Path) -> list[Result]:
    """Return the results of a session, which may have been written by a stranger.

    Raises:
        BaselineError: there is none, or it is no manifest of this version.
    """
    path = folder / NAME
    what = printable(str(path))
    tests = _load(folder).get("tests")
    if not isinstance(tests, list):
        raise BaselineError(f"{what} has no list of tests.")
    kinds = {"line": int, "numbers": dict, "images": dict}
    results = []
    for one in tests:
        fits = isinstance(one, dict) and all(
            isinstance(one.get(name), kinds.get(name, str)) for name in Result.__dataclass_fields__
        )
        if not fits or not all(isinstance(value, str) for value in one["images"].values()):
            raise BaselineError(f"{what} has a test that is not described as version {_VERSION} describes it.")
        results.append(Result(**{name: one[name] for name in Result.__dataclass_fields__}))
    return results


def _load(folder: Path) -> dict[str, Any]:
    path = folder / NAME
    what = printable(str(path))
    try:
        found = json.loads(read_regular(path, what, _MOST_BYTES))
    except FileNotFoundError:
        raise BaselineError(f"{what} does not exist: expected the folder of results of a pytest session.") from None
    except OSError as error:
        raise BaselineError(f"{what} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"{what} is not JSON: {error}.") from None
    if not isinstance(found, dict) or found.get("version") != _VERSION:
        raise BaselineError(f"{what} is no manifest of version {_VERSION}.")
    return found


def inside(root: Path, name: str) -> Path:
    """Return the path of a file that a manifest names relative to a folder.

    Raises:
        BaselineError: it would lie outside of that folder, also by a link.
    """
    parts = PurePosixPath(name)
    path = root / parts
    if not name or parts.is_absolute() or ".." in parts.parts or "\\" in name or ":" in name or "\0" in name:
        raise BaselineError(f"{printable(name)} lies outside of {printable(str(root))}.")
    if not path.parent.resolve().is_relative_to(root.resolve()):
        raise BaselineError(f"{printable(name)} leads out of {printable(str(root))} by a link.")
    return path
