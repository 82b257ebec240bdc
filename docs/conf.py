"""Sphinx: the pages are MyST, the notebooks are shown as they are committed and never run here."""

import shutil
from pathlib import Path

import ne_interactive

HERE = Path(__file__).parent

project = "ne_interactive"
author = "The ne_interactive developers"
copyright = "2026, The ne_interactive developers"
version = release = ne_interactive.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
suppress_warnings = ["mystnb.unknown_mime_type"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "undoc-members": False}
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"ne_interactive {release}"

# The notebooks live beside this folder, where people open them; Sphinx reads only what lies in it.
shutil.copytree(
    HERE.parent / "notebooks", HERE / "_notebooks", dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*")
)
