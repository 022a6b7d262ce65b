# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role pbx_ad leaves of a run: its result, the page and the metrics; and the examples of its README."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.playbook.playbook_site import NOT_CONNECTED_YET, REPOSITORY, SITE, PlaybookSite, write_yaml

SYNC_NOW = "pbxops.yeastar.sync_now"
STATUS = "pbxops.yeastar.status"
REPORT = "pbxops.yeastar.report"
_README = REPOSITORY / "roles" / "pbx_ad" / "README.md"
_HOOK = "https://chat.example.com/hooks/pbx"


@pytest.fixture(name="chat")
def _chat() -> Iterator[tuple[str, list[str]]]:
    """A chat's web hook: its address, and the texts that were posted to it."""
    posted: list[str] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", posted
    server.shutdown()
    thread.join()
    server.server_close()


def _examples() -> list[Any]:
    return [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", _README.read_text("utf-8"), re.DOTALL)]


def _play_of(tasks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"hosts": "yeastar_pbx", "connection": "local", "gather_facts": False, "tasks": tasks}


_INTERPRETER = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}


def test_the_play_of_the_readme_runs(site: PlaybookSite) -> None:
    site.add_user("Anna", parent=site.add_unit("Staff"))
    play = _examples()[0]
    playbook = write_yaml(site.folder / "readme.yml", play)
    inventory = site.inventory({**site.variables, **_INTERPRETER})

    site.play(playbook, "-i", inventory)

    assert site.names == {"2000": "Anna"}
    (home,) = site.pbx.state.extensions["2000"]["organization_ids"]
    assert site.pbx.state.organizations[home]["name"] == "Staff"


def test_what_came_of_it_is_posted_whatever_that_was(site: PlaybookSite, chat: tuple[str, list[str]]) -> None:
    url, posted = chat
    (example,) = [one for one in _examples() if "ansible.builtin.uri" in str(one)]
    playbook = write_yaml(site.folder / "post.yml", [_play_of(json.loads(json.dumps(example).replace(_HOOK, url)))])
    site.add_user("Anna")
    inventory = site.inventory({**site.variables, **_INTERPRETER})
    site.play(SITE, "-i", inventory)
    site.add_user("Bernd")

    site.play(playbook, "-i", inventory)
    site.play(playbook, "-i", inventory, "-e", "pbx_ad_pbx_url=https://127.0.0.1:1", fails=True)

    assert posted[0] == "headquarters: 1 created."
    assert "pbx_url" in posted[1]
    assert len(posted) == 2


def test_the_status_is_told_while_both_sides_are_down(site: PlaybookSite) -> None:
    site.add_user("Anna")
    inventory = site.inventory(site.variables)
    site.play(SITE, "-i", inventory)
    calls = len(site.pbx.calls.all())

    played = site.play(STATUS, "-i", inventory, "-e", "pbx_ad_directory_port=1")

    assert '"status": "connected"' in played.output
    assert '"users": "enabled"' in played.output
    assert len(site.pbx.calls.all()) == calls


def _output(site: PlaybookSite) -> tuple[Path, Path, dict[str, str]]:
    page, metrics = site.folder / "page.html", site.folder / "pbx.prom"
    return page, metrics, {"pbx_ad_report_path": str(page), "pbx_ad_metrics_path": str(metrics)}


def test_the_page_is_written_of_a_plan_of_a_run_and_of_a_failure(site: PlaybookSite) -> None:
    site.add_user("Anna")
    page, metrics, paths = _output(site)
    inventory = site.inventory({**site.variables, **paths})

    shown = site.play(SITE, "-i", inventory, "--check", "--diff", warnings=[NOT_CONNECTED_YET])
    assert shown.recap["headquarters"]["changed"] == 2
    assert "<html" not in shown.output
    assert "Anna-" in page.read_text(encoding="utf-8")
    assert page.stat().st_mode & 0o777 == 0o600
    assert not metrics.exists()

    site.play(SITE, "-i", inventory)
    assert 'last_run_success{pbx="' in metrics.read_text(encoding="utf-8")
    assert metrics.stat().st_mode & 0o777 == 0o600
    assert site.play(SITE, "-i", inventory).recap["headquarters"]["changed"] == 0

    for playbook in (SITE, SYNC_NOW):
        page.unlink()
        site.play(playbook, "-i", inventory, "-e", "pbx_ad_directory_port=1", fails=True)
        assert "No answer from directory_host" in page.read_text(encoding="utf-8")
        assert re.search(r'last_run_success\{pbx="[^}]*kind="all"\} 0', metrics.read_text(encoding="utf-8"))


@pytest.mark.parametrize("playbook", ["pause", "resume", "disable", "disconnect"])
def test_the_page_is_written_of_what_ends_or_goes_on(site: PlaybookSite, playbook: str) -> None:
    site.add_user("Anna")
    page, _metrics, paths = _output(site)
    inventory = site.inventory({**site.variables, **paths, "pbx_ad_kinds": ["users"]})
    site.play(SITE, "-i", inventory)
    page.unlink()

    site.play(f"pbxops.yeastar.{playbook}", "-i", inventory)

    assert "<html" in page.read_text(encoding="utf-8")


def test_the_mode_of_the_files_and_the_title_are_the_administrators(site: PlaybookSite) -> None:
    page, metrics, paths = _output(site)
    modes = {"pbx_ad_report_mode": "0640", "pbx_ad_metrics_mode": "0644", "pbx_ad_report_title": "<HQ>"}

    site.play(SITE, "-i", site.inventory({**site.variables, **paths, **modes}))

    assert page.stat().st_mode & 0o777 == 0o640
    assert metrics.stat().st_mode & 0o777 == 0o644
    assert "&lt;HQ&gt;" in page.read_text(encoding="utf-8")


def test_a_page_of_the_status_asks_both_sides(site: PlaybookSite) -> None:
    site.add_user("Anna")
    page, metrics, paths = _output(site)
    inventory = site.inventory(site.variables)
    site.play(SITE, "-i", inventory)
    assert "pbx_ad_report_path" in site.play(REPORT, "-i", inventory, fails=True).everything

    site.pbx.calls.clear()
    site.play(REPORT, "-i", site.inventory({**site.variables, **paths}))

    assert "extension/list" in {call.endpoint for call in site.pbx.calls.all()}
    assert site.writes() == []
    assert "<html" in page.read_text(encoding="utf-8")
    assert "pbxops_yeastar_" in metrics.read_text(encoding="utf-8")
