"""File names of baselines: legal and unique on Linux, macOS and Windows, and a function of the test's name alone."""

from __future__ import annotations

import hashlib
import re
import unicodedata

#: The longest stem; names get longer on the way (``-comparison.png``), and file systems end at 255 bytes.
LONGEST = 120

#: Devices of Windows, with any extension.
_RESERVED = {
    *("con", "prn", "aux", "nul", "conin$", "conout$"),
    *(f"{port}{number}" for port in ("com", "lpt") for number in "0123456789\u00b9\u00b2\u00b3"),
}

_ILLEGAL = re.compile(r'[<>:"/\\|?*\[\]]')

#: A node id in which a dot for each separator leaves no two alike: no dot in its folders and names, no separator in the
#: id of its parameters.
_PLAIN = re.compile(r"([^/.:\[]+/)*[^/.:\[]+(\.py)?(::[^/.:\[]+)*(\[((?!::|/).)*)?")


def legal_stem(name: str) -> str:
    """Return the file name, without extension, of a test of this name.

    ``test_p[red]`` is ``test_p_red``, as pytest-mpl has it. Where that would lose something (a character is replaced,
    capitals in the id of a parameter that a file system may not tell from small letters, too long, the name of a
    device), a short digest of the whole name keeps it unique: ``test_p[A/b]`` is ``test_p_A_b-86a158fb``.
    """
    function, bracket, identifier = name.partition("[")
    identifier = identifier.removesuffix("]")
    plain = f"{function}_{identifier}" if bracket else function
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", plain)
    lossless = (
        safe == plain
        and identifier == identifier.lower()
        and len(safe) <= LONGEST
        and not safe.endswith(("_", "."))
        and not safe.startswith((".", "-"))
        and ".png" not in safe.lower()
        and not _is_reserved(safe)
    )
    return safe if lossless else _with_digest(safe, name)


def result_stem(nodeid: str) -> str:
    """Return what the names of the images of a test begin with, in the folder of results.

    ``tests/test_a.py::test_p[red]`` is ``tests.test_a.py.test_p_red``. Where a dot may stand for two things, as in
    ``[a/b]``, the digest of the node id keeps it from ``[a.b]``.
    """
    dotted = nodeid.replace("::", ".").replace("/", ".")
    return legal_stem(dotted) if _PLAIN.fullmatch(nodeid) else _with_digest(dotted, nodeid)


def _with_digest(text: str, whole: str) -> str:
    """Return as much of `text` as is legal, and a short digest of `whole`."""
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", text).strip("_-")
    kept = safe[: LONGEST - 9].rstrip("_-")
    return f"{kept}-{digest}"


def _is_reserved(name: str) -> bool:
    return name.partition(".")[0].rstrip(" ").lower() in _RESERVED


def folded(filename: str) -> str:
    """Return the same for names that a file system may not tell apart: by case, or by how Unicode writes an accent."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", filename).casefold())


def is_legal(filename: str) -> bool:
    """Return whether a file name that a person chose is legal everywhere, and ends in ``.png``."""
    stem = filename.removesuffix(".png")
    return (
        filename != stem != ""
        and filename.isprintable()
        and not _ILLEGAL.search(filename)
        and not stem.endswith((" ", ".", "_"))
        and ".png" not in stem
        and len(filename.encode()) <= 200
        and not _is_reserved(filename)
    )
