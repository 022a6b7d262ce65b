# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation as a site: `make docs`.

The pages as they stand, every module, role and filter as antsibull-docs tells them, and pictures of what the lab's
demonstration has left in build/demo: a plan as a terminal shows it, and the report pages. All goes below build/docs;
the site begins at build/docs/html/index.html.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "build" / "demo"

_COLLECTION = "pbxops.yeastar"
_PROJECT = ("CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "SECURITY.md")
_PAGES = ("README.md", *_PROJECT, "docs/*.md", "playbooks/README.md", "roles/*/README.md")
# Files that pages lead to, and the site has too.
_FILES = ("docs/pictures/*", "playbooks/examples/*.yml", "LICENSE")
_CONTENTS = re.compile(r"^\.\. contents::.*\n(?:   .*\n)*", re.MULTILINE)
_CHROMIUM = "/usr/bin/chromium"
_REPORTS = {"run": "A run, as a page", "status": "How an integration stands, as a page"}
_PLAN_WIDTH = 100
# Where the changes have been shown, and the conflicts are told.
_END_OF_PLAN = "\nTASK [pbxops.yeastar.pbx_ad : Show what came of it]"
_REPORT_SIZE = {"width": 1100, "height": 1000}
_INDEX = """# pbxops.yeastar

Keeps a Yeastar P-Series PBX in step with a Microsoft Active Directory.

```{toctree}
:maxdepth: 1
:caption: Read

README
docs/README
gallery
```

```{toctree}
:maxdepth: 1
:caption: Guides

GUIDES
```

```{toctree}
:glob:
:maxdepth: 1
:caption: Playbooks and roles

playbooks/README
roles/*/README
```

```{toctree}
:maxdepth: 2
:caption: Every option

collections/pbxops/yeastar/index
```

```{toctree}
:maxdepth: 1
:caption: Take part

CONTRIBUTING
CODE_OF_CONDUCT
SECURITY
```
"""
# What antsibull-docs refers to, and Ansible's own site has.
_ANSIBLE = """---
orphan: true
---

# Of Ansible itself

(common_return_values)=
## Common return values

[Ansible's own](https://docs.ansible.com/ansible/latest/reference_appendices/common_return_values.html) page has them.

(ansible_configuration_settings)=
## Configuration settings

[Ansible's own](https://docs.ansible.com/ansible/latest/reference_appendices/config.html) page has them.

(callback_plugins)=
## Callback plugins

[Ansible's own](https://docs.ansible.com/ansible/latest/plugins/callback.html) page tells of them.
"""


def main() -> int:
    """Build the site, and say where it is."""
    options = _parser().parse_args()
    build = options.folder.resolve()
    source, site = build / "source", build / "html"
    for old in (source, site):
        shutil.rmtree(old, ignore_errors=True)
    _copy_pages(source)
    _make_gallery(source, with_pictures=options.pictures)
    _run(
        "antsibull-docs", "collection", "--use-current", "--fail-on-error", "--no-add-antsibull-docs-version",
        "--dest-dir", str(source), _COLLECTION,
    )  # fmt: skip
    _leave_out_contents(source)
    _run("sphinx-build", "--quiet", "--fail-on-warning", "--keep-going", "-b", "html", str(source), str(site))
    print(f"The site begins at {site / 'index.html'}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Build the documentation as a site.")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "docs", help="where (default: %(default)s)")
    parser.add_argument("--no-pictures", dest="pictures", action="store_false", help="leave out what needs the lab")
    return parser


def _run(*command: str) -> None:
    finished = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603 (our own commands)
    if finished.returncode != 0:
        sys.exit(f"docs: {command[0]} ended with exit status {finished.returncode}")


def _copy_pages(source: Path) -> None:
    for path in _files(*_PAGES, *_FILES):
        target = source / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.copyfile(ROOT / "docs" / "conf.py", source / "conf.py")
    (source / "index.md").write_text(_INDEX.replace("GUIDES", "\n".join(guides())), encoding="utf-8")
    (source / "ansible.md").write_text(_ANSIBLE, encoding="utf-8")


def guides() -> list[str]:
    """The guides in the order in which their index leads to them."""
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    return list(dict.fromkeys(f"docs/{name}" for name in re.findall(r"\]\(([\w-]+)\.md", index)))


def _files(*patterns: str) -> Iterator[Path]:
    for pattern in patterns:
        yield from sorted(path for path in ROOT.glob(pattern) if path.is_file())


def _leave_out_contents(source: Path) -> None:
    """The theme shows each page's contents at its side, and objects to a second list of them."""
    for path in (source / "collections").rglob("*.rst"):
        text = path.read_text(encoding="utf-8")
        path.write_text(_CONTENTS.sub("", text), encoding="utf-8")


def _make_gallery(source: Path, *, with_pictures: bool) -> None:
    parts = ["# Pictures", "Made by this build of what `make demo` leaves."]
    if with_pictures:
        _make_pictures(source / "pictures")
        parts += ["## A plan, in check mode with `--diff`", "![A plan in a terminal](pictures/plan.svg)"]
        for name, title in _REPORTS.items():
            parts += [f"## {title}", f"![{title}](pictures/{name}.png)"]
            parts += [f"{{download}}`The page itself <pictures/{name}.html>`"]
    (source / "gallery.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _make_pictures(folder: Path) -> None:
    if not all((DEMO / name).is_file() for name in ("plan.txt", *(f"{name}.html" for name in _REPORTS))):
        _run(sys.executable, "-m", "lab.demo")
    folder.mkdir(parents=True)
    (folder / "plan.svg").write_text(plan_picture((DEMO / "plan.txt").read_text(encoding="utf-8")), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=_REPORT_SIZE)
        for name in _REPORTS:
            page.goto((DEMO / f"{name}.html").as_uri())
            page.screenshot(path=folder / f"{name}.png")
            shutil.copyfile(DEMO / f"{name}.html", folder / f"{name}.html")
        browser.close()


def plan_picture(output: str) -> str:
    """Return what a terminal has shown as SVG that loads nothing from anywhere.

    :param output: of a playbook, with the colours of a terminal; its changes are shown.
    """
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=_PLAN_WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(output.partition(_END_OF_PLAN)[0].strip()))
    picture = console.export_svg(title="ansible-playbook pbxops.yeastar.sync_now --check --diff")
    return re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)


if __name__ == "__main__":
    sys.exit(main())
