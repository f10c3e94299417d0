"""Sphinx's settings: ``tox -e docs`` builds the site into docs/_build/html."""

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

import pytest_denorm

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "pytest-denorm"
author = "The pytest-denorm developers"
copyright = author
version = release = pytest_denorm.__version__

extensions = ["mathml", "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build", "_ext", "README.md"]
highlight_language = "text"
default_role = "code"
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!pytest_denorm).*"),  # of other projects, whose inventories would have to be fetched
    ("py:class", r"pytest_denorm\..*\.\w+T"),  # type variables
    ("py:class", r"pytest_denorm\.(core\.(exact|moments)|checks\.causes_told|datasets\.passage)\..*"),  # internal
]

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"pytest-denorm {release}"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
copybutton_selector = "div:not(.highlight-text) > div.highlight > pre"
copybutton_exclude = ".linenos, .gp, .go"


def setup(app: Sphinx) -> None:
    def link_to_pages(app: Sphinx, page: str, content: list[str]) -> None:
        """Let links to files above docs/ lead to their pages on the site."""
        content[0] = re.sub(r"\]\(\.\./(\w+)\.md", lambda found: f"]({found[1].lower()}.rst", content[0])

    app.connect("source-read", link_to_pages)
