# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWX emulator refuses and answers as AWX does."""

from __future__ import annotations

from typing import Any

import pytest

from lab.awx.api import Answer, Api, Asked
from lab.awx.resources import RESOURCES, FieldKind
from lab.awx.settings import Settings

URL = "https://git.example.com/pbx.git"
INPUTS = {"fields": [{"id": "user", "label": "User"}, {"id": "key", "type": "string", "label": "Key", "secret": True}]}
RULE = "DTSTART;TZID=Europe/Berlin:20260101T003000 RRULE:FREQ=DAILY;INTERVAL=1"


class Client:
    """Requests of one who signed on, to one AWX."""

    def __init__(self) -> None:
        settings = Settings(repositories={URL: ("plan.yml",)}, folders={"pbx": ("plan.yml",)}, page_size=2)
        self.api = Api(settings)
        self.organization = self.made("organizations", name="Default")

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> Answer:
        """One request below /api/v2/."""
        proof = f"Bearer {self.api.settings.oauth_token}"
        return self.api.answer(Asked(method, f"/api/v2/{path}/", query, body, proof))

    def made(self, path: str, **fields: Any) -> int:
        """Make an object, which must succeed; return its id."""
        answer = self.ask("POST", path, fields)
        assert answer.status == 201, answer
        return int(answer.payload["id"])

    def owned(self, path: str, **fields: Any) -> int:
        """Make an object of the organization."""
        return self.made(path, organization=self.organization, **fields)

    def refused(self, path: str, **fields: Any) -> dict[str, Any]:
        """Fail to make an object; return what AWX says."""
        answer = self.ask("POST", path, fields)
        assert answer.status == 400, answer
        return dict(answer.payload)

    def template(self, name: str = "Plan") -> int:
        """Make a job template with all that it needs."""
        project = self.owned("projects", name=f"{name} project", scm_type="git", scm_url=URL)
        inventory = self.owned("inventories", name=f"{name} inventory")
        return self.made("job_templates", name=name, project=project, inventory=inventory, playbook="plan.yml")


@pytest.fixture(name="awx")
def _awx() -> Client:
    return Client()


def test_nobody_gets_in_without_proof(awx: Client) -> None:
    proofs = ("", "Bearer wrong", "Basic d3Jvbmc6d3Jvbmc=", "Basic %", f"Token {awx.api.settings.oauth_token}")
    for proof in proofs:
        assert awx.api.answer(Asked("GET", "/api/v2/organizations/", {}, None, proof)).status == 401
    assert awx.api.answer(Asked("GET", "/api/v2/ping/", {}, None, "")).status == 200


def test_a_token_is_good_until_it_is_given_back(awx: Client) -> None:
    taken = awx.ask("POST", "tokens", {"scope": "write"}).payload

    def status() -> int:
        return awx.api.answer(Asked("GET", "/api/v2/hosts/", {}, None, f"Bearer {taken['token']}")).status

    assert (status(), awx.api.tokens.live) == (200, 1)
    assert awx.ask("DELETE", f"tokens/{taken['id']}").status == 204
    assert (status(), awx.api.tokens.live) == (401, 0)


def test_places_and_methods_that_do_not_exist(awx: Client) -> None:
    assert awx.ask("GET", "users").status == 404
    assert awx.ask("GET", "hosts/77").status == 404
    assert awx.ask("GET", "organizations/first").status == 404
    assert awx.ask("GET", f"organizations/{awx.organization}/hosts").status == 404
    assert awx.ask("PUT", "hosts", {}).status == 405
    assert awx.ask("POST", "unified_job_templates", {}).status == 405
    assert awx.ask("POST", "workflow_approval_templates", {"name": "x"}).status == 405


def test_a_list_comes_by_pages(awx: Client) -> None:
    for number in range(4):
        awx.made("organizations", name=f"org {number}")

    first, last = awx.ask("GET", "organizations"), awx.ask("GET", "organizations", page="3")

    assert [one["name"] for one in first.payload["results"]] == ["Default", "org 0"]
    assert (first.payload["count"], first.payload["next"]) == (5, "/api/v2/organizations/?page=2")
    assert (last.payload["previous"], last.payload["next"]) == ("/api/v2/organizations/?page=2", None)
    assert [one["name"] for one in last.payload["results"]] == ["org 3"]
    assert awx.ask("GET", "organizations", page="4").status == 404


def test_a_query_finds_by_all_of_its_fields_and_by_one_of_the_alternatives(awx: Client) -> None:
    other = awx.made("organizations", name="7")
    mine = awx.owned("inventories", name="same")
    awx.made("inventories", name="same", organization=other)

    def found(path: str, **query: str) -> list[int]:
        return [one["id"] for one in awx.ask("GET", path, **query).payload["results"]]

    assert found("inventories", name="same", organization=str(awx.organization)) == [mine]
    assert found("inventories", or__id=str(mine), or__name=str(mine)) == [mine]
    assert found("organizations", or__id="7", or__name="7") == [other]
    assert found("inventories", name="Same") == []
    assert awx.ask("GET", "inventories", colour="red").status == 400
    assert awx.ask("GET", "inventories", organization="None").status == 400


def test_templates_of_all_kinds_are_in_one_list_and_approvals_are_not(awx: Client) -> None:
    template = awx.template()
    workflow = awx.owned("workflow_job_templates", name="Workflow")
    node = awx.made("workflow_job_template_nodes", identifier="wait", workflow_job_template=workflow)
    awx.ask("POST", f"workflow_job_template_nodes/{node}/create_approval_template", {"name": "Approve"})

    named = awx.ask("GET", "unified_job_templates", page_size="9", organization=str(awx.organization)).payload

    assert [one["name"] for one in named["results"]] == ["Plan project", "Plan", "Workflow"]
    assert [one["id"] for one in awx.ask("GET", "unified_job_templates", name="Plan").payload["results"]] == [template]


def test_fields_are_checked_one_by_one_and_unknown_ones_ignored(awx: Client) -> None:
    assert awx.refused("hosts") == {
        "name": ["This field is required."],
        "inventory": ["This field is required."],
    }
    problems = awx.refused("inventories", name=" ", organization=99, prevent_instance_group_fallback="yes", kind="odd")
    assert list(problems) == ["name", "organization", "kind", "prevent_instance_group_fallback"]
    made = awx.ask(
        "POST", "inventories", {"name": "a", "organization": awx.organization, "kind": None, "colour": "red"}
    )
    assert (made.status, made.payload["kind"], "colour" in made.payload) == (201, "", False)
    assert "__all__" in awx.refused("inventories", name="a", organization=awx.organization)
    assert awx.ask("POST", "inventories", ["a"]).status == 400


@pytest.mark.parametrize(
    ("injectors", "words"),
    [
        ({"env": {"ANSIBLE_CONFIG": "{{ user }}"}}, "not allowed"),
        ({"env": {"PATH": "{{ user }}"}}, "not allowed"),
        ({"env": {"KEY": "{{ other }}"}}, "undefined field"),
        ({"env": {"KEY": "{{ tower.filename }}"}}, "undefined field"),
        ({"env": {"KEY": "{{ user"}}, "Syntax error"),
        ({"env": {"KEY": "schlüssel"}}, "does not match"),
        ({"env": {"1KEY": "{{ user }}"}}, "do not match|does not match"),
        ({"file": {"template": "a", "template.b": "b"}}, "multi-file"),
        ({"files": {}}, "Additional properties"),
    ],
)
def test_a_credential_type_that_could_not_work_is_refused(awx: Client, injectors: Any, words: str) -> None:
    problems = awx.refused("credential_types", name="Type", kind="cloud", inputs=INPUTS, injectors=injectors)

    assert any(word in problems["injectors"][0] for word in words.split("|")), problems


def test_inputs_that_could_not_work_are_refused(awx: Client) -> None:
    for fields in (
        [{"id": "tower", "label": "x"}],
        [{"id": "a", "label": "x"}] * 2,
        [{"id": "a"}],
        [{"id": "a b", "label": ""}],
    ):
        assert "inputs" in awx.refused("credential_types", name="Type", kind="cloud", inputs={"fields": fields})
    assert "kind" in awx.refused("credential_types", name="Type", kind="ssh")


def test_a_secret_is_never_shown_and_stays_when_it_comes_back_as_shown(awx: Client) -> None:
    kind = awx.made("credential_types", name="Type", kind="cloud", inputs=INPUTS)
    made = awx.owned("credentials", name="One", credential_type=kind, inputs={"user": "u", "key": "s3cret"})
    path = f"credentials/{made}"

    assert awx.ask("GET", path).payload["inputs"] == {"user": "u", "key": "$encrypted$"}
    changed = awx.ask("PATCH", path, {"inputs": {"user": "v", "key": "$encrypted$"}})
    assert (changed.status, changed.payload["inputs"]["key"]) == (200, "$encrypted$")
    assert awx.api.store.get("credentials", made)["inputs"] == {"user": "v", "key": "s3cret"}
    assert "inputs" in awx.refused(
        "credentials", name="Two", organization=awx.organization, credential_type=kind, inputs={"key": "$encrypted$"}
    )
    assert "inputs" in awx.refused(
        "credentials", name="Two", organization=awx.organization, credential_type=kind, inputs={"colour": "red"}
    )
    assert "detail" in awx.refused("credentials", name="Two", credential_type=kind)


def test_a_credential_type_in_use_stays_as_it_is(awx: Client) -> None:
    kind = awx.made("credential_types", name="Type", kind="cloud", inputs=INPUTS)
    used = awx.owned("credentials", name="One", credential_type=kind)
    path = f"credential_types/{kind}"

    assert awx.ask("PATCH", path, {"inputs": {"fields": []}}).status == 403
    assert awx.ask("DELETE", path).status == 403
    assert awx.ask("PATCH", path, {"injectors": {"env": {"KEY": "{{ key }}"}}}).status == 200
    assert awx.ask("DELETE", f"credentials/{used}").status == 204
    assert awx.ask("DELETE", path).status == 204


def test_a_project_needs_a_place_for_its_playbooks(awx: Client) -> None:
    assert "scm_url" in awx.refused("projects", name="a", scm_type="git")
    assert "local_path" in awx.refused("projects", name="a", local_path="elsewhere")
    assert "scm_update_on_launch" in awx.refused("projects", name="a", local_path="pbx", scm_update_on_launch=True)
    awx.owned("projects", name="a", local_path="pbx")
    assert "local_path" in awx.refused("projects", name="b", local_path="pbx")


@pytest.mark.parametrize(("url", "status"), [(URL, "successful"), ("https://git.example.com/none.git", "failed")])
def test_a_new_project_is_updated_at_once(awx: Client, url: str, status: str) -> None:
    project = awx.ask("POST", "projects", {"name": "a", "scm_type": "git", "scm_url": url}).payload
    update = project["summary_fields"]["current_update"]["id"]

    assert awx.ask("GET", f"project_updates/{update}").payload["status"] == status
    assert "current_update" not in awx.ask("GET", f"projects/{project['id']}").payload["summary_fields"]
    assert (
        "current_update"
        not in awx.ask("PATCH", f"projects/{project['id']}", {"description": "x"}).payload["summary_fields"]
    )


def test_a_job_template_needs_a_project_with_its_playbook_and_an_inventory(awx: Client) -> None:
    project = awx.owned("projects", name="a", scm_type="git", scm_url=URL)
    inventory = awx.owned("inventories", name="a")

    assert "project" in awx.refused("job_templates", name="t", inventory=inventory, playbook="plan.yml")
    assert "inventory" in awx.refused("job_templates", name="t", project=project, playbook="plan.yml")
    wrong = {"name": "t", "project": project, "inventory": inventory}
    assert awx.refused("job_templates", **wrong, playbook="no.yml") == {"playbook": ["Playbook not found for project."]}
    assert "playbook" in awx.refused("job_templates", **wrong)
    assert "extra_vars" in awx.refused("job_templates", **wrong, playbook="plan.yml", extra_vars="[1]")
    assert "extra_vars" in awx.refused("job_templates", **wrong, playbook="plan.yml", extra_vars="{")
    assert "scm_branch" in awx.refused("job_templates", **wrong, playbook="plan.yml", scm_branch="dev")


def test_a_template_takes_one_credential_of_a_type(awx: Client) -> None:
    template = awx.template()
    kind = awx.made("credential_types", name="Type", kind="cloud", inputs=INPUTS)
    first, second = (awx.owned("credentials", name=name, credential_type=kind) for name in ("One", "Two"))
    path = f"job_templates/{template}/credentials"

    assert awx.ask("POST", path, {"id": first}).status == 204
    assert awx.ask("POST", path, {"id": first}).status == 204
    assert awx.ask("POST", path, {"id": second}).status == 400
    assert awx.ask("POST", path, {"id": first, "disassociate": True}).status == 204
    assert awx.ask("POST", path, {"id": second}).status == 204
    assert [one["id"] for one in awx.ask("GET", path).payload["results"]] == [second]
    assert awx.ask("POST", path, {"id": 999}).status == 400


def test_what_belongs_to_a_deleted_object_goes_with_it(awx: Client) -> None:
    template = awx.template()
    workflow = awx.owned("workflow_job_templates", name="Workflow")
    node = awx.made("workflow_job_template_nodes", identifier="a", workflow_job_template=workflow)
    awx.ask("POST", f"workflow_job_template_nodes/{node}/create_approval_template", {"name": "Approve"})
    leaf = awx.made(
        "workflow_job_template_nodes", identifier="b", workflow_job_template=workflow, unified_job_template=template
    )
    for target in (template, workflow):
        awx.made("schedules", name="nightly", rrule=RULE, unified_job_template=target)

    assert awx.ask("DELETE", f"job_templates/{template}").status == 204
    assert awx.ask("GET", f"workflow_job_template_nodes/{leaf}").payload["unified_job_template"] is None
    assert len(awx.api.store.all("schedules")) == 1
    assert awx.ask("DELETE", f"workflow_job_templates/{workflow}").status == 204
    for path in ("schedules", "workflow_job_template_nodes", "workflow_approval_templates"):
        assert awx.api.store.all(path) == []
    inventory = awx.api.store.all("inventories")[0]["id"]
    awx.made("hosts", name="pbx", inventory=inventory)
    assert awx.ask("DELETE", f"inventories/{inventory}").status == 202
    assert awx.api.store.all("hosts") == []


def test_a_schedule_with_a_rule_that_is_none_is_refused(awx: Client) -> None:
    assert "rrule" in awx.refused("schedules", name="s", rrule="daily", unified_job_template=awx.template())


def test_every_reference_leads_to_a_kind_that_is_there() -> None:
    for resource in RESOURCES.values():
        assert set(resource.unique) <= {one.name for one in resource.fields}
        assert set(resource.lists.values()) <= set(RESOURCES)
        for one in resource.fields:
            assert one.kind is not FieldKind.REFERENCE or one.target in {*RESOURCES, "unified_job_templates"}
