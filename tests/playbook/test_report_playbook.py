# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters as playbooks use them: on registered results of real runs, as the documentation prints it."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.playbook.playbook_site import (
    NOT_CONNECTED_YET,
    REPOSITORY,
    PlaybookSite,
    Played,
    environment_of,
    write_yaml,
)

_FILTERS = ("report", "metrics")
_DOCS = (REPOSITORY / "docs" / "reports.md").read_text(encoding="utf-8")
_CONNECT: dict[str, Any] = {"pbxops.yeastar.pbx_ad_connection": {}}
_HARMFUL = '"><script>alert(1)</script>{{ lookup("pipe", "id") }}'


def _examples(name: str) -> list[dict[str, Any]]:
    examples: list[dict[str, Any]] = yaml.safe_load(_plugin(name).EXAMPLES)
    return examples


def _plugin(name: str) -> Any:
    return importlib.import_module(f"ansible_collections.pbxops.yeastar.plugins.filter.{name}")


def _printed(heading: str) -> list[dict[str, Any]]:
    """The first YAML below a heading of the documentation."""
    section = _DOCS.partition(f"## {heading}\n")[2]
    found: list[dict[str, Any]] = yaml.safe_load(section.partition("```yaml\n")[2].partition("```")[0])
    return found


def _moved(site: PlaybookSite, tasks: Any) -> Any:
    """The same tasks with each file in the site's own folder."""
    return json.loads(re.sub(r'"/var/[\w/-]*/([\w.]+)"', rf'"{site.folder}/\1"', json.dumps(tasks)))


def _play(
    site: PlaybookSite, tasks: Any, *arguments: str, environment: Mapping[str, str] | None = None, **options: Any
) -> Played:
    """Run tasks with the site's options in the environment."""
    play = {"hosts": "localhost", "gather_facts": False, "tasks": _moved(site, tasks)}
    playbook = write_yaml(site.folder / "playbook.yml", [play])
    return site.play(playbook, *arguments, environment={**site.environment, **(environment or {})}, **options)


def _samples(path: Path) -> dict[str, float]:
    """The values in a file of metrics by gauge, and action where there is one."""
    families = text_string_to_metric_families(path.read_text(encoding="utf-8"))
    return {
        f"{sample.name.removeprefix('pbxops_yeastar_')} {sample.labels.get('action', '')}".strip(): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.fixture(name="documentation", scope="module")
def _documentation(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ansible-doc knows of each filter."""
    finished = subprocess.run(
        ["ansible-doc", "-t", "filter", "--json", *(f"pbxops.yeastar.{name}" for name in _FILTERS)],
        env=environment_of(tmp_path_factory.mktemp("doc")),
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stderr == ""
    loaded: dict[str, Any] = json.loads(finished.stdout)
    return loaded


@pytest.mark.parametrize("name", _FILTERS)
def test_a_filter_takes_the_options_that_ansible_doc_shows(name: str, documentation: dict[str, Any]) -> None:
    parameters = inspect.signature(_plugin(name).FilterModule().filters()[name]).parameters
    options = documentation[f"pbxops.yeastar.{name}"]["doc"]["options"]

    assert ["_input", *list(parameters)[1:]] == sorted(options, key=["_input", *parameters].index)
    for option, parameter in list(parameters.items())[1:]:
        assert options[option].get("default") == parameter.default
    assert documentation[f"pbxops.yeastar.{name}"]["return"]["_value"]["type"] == "str"


def test_the_examples_of_the_filters_run(site: PlaybookSite) -> None:
    site.add_user("Anna")

    _play(site, [_CONNECT, *_examples("report")])
    _play(site, _examples("metrics"))

    assert "<title>Run: Users of the headquarters</title>" in (site.folder / "pbx.html").read_text(encoding="utf-8")
    assert _samples(site.folder / "pbx_headquarters.prom")["last_run_success"] == 1


def test_the_playbook_of_the_documentation_writes_plan_run_and_failure(site: PlaybookSite) -> None:
    site.add_user("Anna", sn=_HARMFUL)
    (printed,) = _printed("A page")
    page, metrics = site.folder / "headquarters.html", site.folder / "pbx_headquarters.prom"

    planned = _play(site, printed["tasks"], "--check", "--diff", warnings=[NOT_CONNECTED_YET])
    assert '<strong class="planned">' in page.read_text(encoding="utf-8")
    assert "<!doctype" not in planned.output
    assert not metrics.exists()

    _play(site, [_CONNECT, *printed["tasks"]])
    text = page.read_text(encoding="utf-8")
    assert '<strong class="succeeded">' in text
    assert "&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;{{ lookup(&#34;pipe&#34;, &#34;id&#34;) }}" in text
    assert text.count("<script>") == 1
    told = _samples(metrics)
    assert (told["last_run_success"], told["last_run_changes create"]) == (1, 1)

    _play(site, printed["tasks"], fails=True, environment={"PBX_AD_DIRECTORY_PASSWORD": "wrong"})
    assert '<strong class="failed">' in page.read_text(encoding="utf-8")
    assert _samples(metrics) == {"last_run_success": 0}


def test_what_is_no_result_fails_with_the_filters_name_and_a_remedy(site: PlaybookSite) -> None:
    for name in _FILTERS:
        wrong = [{"ansible.builtin.debug": {"msg": f"{{{{ [1] | pbxops.yeastar.{name} }}}}"}}]

        played = _play(site, wrong, fails=True)

        assert f"pbxops.yeastar.{name}: The result is a list and not a dictionary. Give the" in played.everything


@pytest.fixture(name="webhook")
def _webhook() -> Iterator[tuple[str, list[Any]]]:
    """The URL of a webhook and what was posted to it."""
    posted: list[Any] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", posted
        server.shutdown()


def test_the_message_of_the_documentation_tells_the_headline(
    site: PlaybookSite, webhook: tuple[str, list[Any]]
) -> None:
    url, posted = webhook
    site.add_user("Anna")
    (tell,) = _printed("Messages")
    tell["ansible.builtin.uri"]["url"] = url
    synchronize = {"pbxops.yeastar.pbx_ad_user_sync": {}, "register": "users", "ignore_errors": True}

    _play(site, [_CONNECT, synchronize, tell])

    assert posted == [{"text": "PBX headquarters: 1 created."}]
