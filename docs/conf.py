# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx makes the site of the pages and of what antsibull-docs writes about the modules; see scripts/docs.py."""

from __future__ import annotations

project = "pbxops.yeastar"
author = "The pbxops.yeastar maintainers"
project_copyright = author
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "furo"
html_title = "pbxops.yeastar"
html_static_path: list[str] = []
root_doc = "index"
language = "en"
nitpicky = False
myst_heading_anchors = 4
# Examples that hold dots in place of what is left out are of no language.
suppress_warnings = ["misc.highlighting_failure"]
# Ansible's own documentation is a site of its own, which no build asks for.
default_role = "any"
