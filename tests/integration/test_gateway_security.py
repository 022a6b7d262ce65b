# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks on a running gateway: forged and foreign forms, odd names and bodies, guesses, and a search for secrets."""

from __future__ import annotations

import re
import socket
import ssl
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from html import escape

import httpx
import pytest

from lab.gateway import GatewayProcess
from tests.integration.gateway_site import (
    LOGIN_ADDRESS,
    PASSWORD,
    Browser,
    Site,
    problem_in,
    token_in,
)
from tests.playbook.secret_search import SecretSearch, rows_of_sqlite, secrets_of, watched_processes

HEADERS = {
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FLOOR = 0.5


@pytest.fixture(scope="module")
def site(gateway_site: Site) -> Site:
    return gateway_site


@pytest.fixture(scope="module")
def gateway(site: Site) -> Iterator[GatewayProcess]:
    with site.gateway(limits={"answer_floor": FLOOR}) as gateway:
        yield gateway


@pytest.fixture
def browser(gateway: GatewayProcess) -> Iterator[Browser]:
    with Browser(gateway) as browser:
        yield browser


@contextmanager
def connected(gateway: GatewayProcess, version: ssl.TLSVersion | None = None) -> Iterator[ssl.SSLSocket]:
    """A connection over TLS."""
    context = ssl.create_default_context(cafile=str(gateway.ca_path))
    if version:
        context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        yield connection


def raw(gateway: GatewayProcess, content: bytes, version: ssl.TLSVersion | None = None) -> bytes:
    """Send bytes over TLS, and give all that comes back."""
    with connected(gateway, version) as connection:
        connection.sendall(content)
        received = b""
        while part := connection.recv(65536):
            received += part
        return received


# --- headers and transport ----------------------------------------------------------------------------------------


def assert_headers(headers: httpx.Headers) -> None:
    assert {name: headers.get(name) for name in HEADERS} == HEADERS
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "server" not in headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("POST", "/", 415),
        ("PUT", "/", 405),
        ("DELETE", "/", 405),
        ("OPTIONS", "/", 405),
        ("GET", "/none", 404),
        ("GET", "/static/none.css", 404),
        ("GET", "/static/..%2f__main__.py", 404),
        ("GET", "/static/%2e%2e/settings.py", 404),
        ("GET", "/static", 404),
        ("GET", "/static/style.css", 200),
        ("GET", "/health", 200),
        ("GET", "/signature", 405),
        ("POST", "/signature", 403),
        ("OPTIONS", "/signature", 403),
        ("GET", "/sign-out", 405),
        ("POST", "/sign-out", 200),
    ],
)
def test_every_answer_has_the_headers(browser: Browser, method: str, path: str, status: int) -> None:
    response = browser.client.request(method, path)
    assert response.status_code == status
    assert_headers(response.headers)
    assert response.headers["content-type"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        # Little more than what is taken: what the server has not read when it hangs up can cost the client the answer.
        b"GET / HTTP/1.1\r\nX: ".ljust(16 * 1024 + 1, b"x"),
    ],
)
def test_what_is_no_http_is_refused_with_the_headers(gateway: GatewayProcess, request_bytes: bytes) -> None:
    answer = raw(gateway, request_bytes)
    head, _end, _body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    assert status == "HTTP/1.1 400 Bad Request"
    pairs = [line.partition(": ") for line in lines]
    assert_headers(httpx.Headers([(name, value) for name, _colon, value in pairs]))


def test_what_is_turned_away_is_logged_once_and_what_is_not_there_is_not(gateway: GatewayProcess) -> None:
    begun = len(gateway.log)
    with Browser(gateway) as browser:
        browser.client.put("/")
        browser.client.get("/none")
        browser.client.post("/", content=b"username", headers=FORM)
        browser.client.post("/", content=b"username=a@b", headers={**FORM, "Origin": "https://evil.example"})
        browser.client.get("/", headers={"Host": "evil.example"})
        browser.client.post("/signature", headers={"Origin": "https://evil.example"})
    raw(gateway, b"nonsense\r\n\r\n")
    lines = [line.partition("event=turned_away ")[2] for line in gateway.log[begun:].splitlines()]
    assert [line for line in lines if line] == [
        "status=405 problem=method_not_allowed method=PUT path=/ address=127.0.0.1",
        "status=400 problem=bad_request method=POST path=/ address=127.0.0.1",
        "status=403 problem=forbidden method=POST path=/ address=127.0.0.1",
        "status=421 problem=wrong_host method=GET path=/ address=127.0.0.1",
        "status=403 problem=forbidden method=POST path=/signature address=127.0.0.1",
        "status=400 problem=no_http address=127.0.0.1",
    ]


def test_an_address_with_a_host_in_it_leads_nowhere(gateway: GatewayProcess) -> None:
    for target in ("//evil.example/", "///evil.example", "/\\evil.example", "https://evil.example/"):
        answer = raw(gateway, f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 404")
        assert b"\nlocation:" not in answer.lower()


def test_old_versions_of_tls_are_not_spoken(gateway: GatewayProcess) -> None:
    with pytest.warns(DeprecationWarning, match="TLSv1_1"), pytest.raises((ssl.SSLError, ConnectionError)):
        raw(gateway, b"", ssl.TLSVersion.TLSv1_1)


@pytest.mark.parametrize(
    "cipher", ["AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "AES256-GCM-SHA384"]
)
def test_weak_ciphers_are_not_spoken(gateway: GatewayProcess, cipher: str) -> None:
    context = ssl.create_default_context(cafile=str(gateway.ca_path))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(cipher)
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="localhost")


def test_without_tls_nothing_is_answered(gateway: GatewayProcess) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{gateway.port}/", trust_env=False)


def test_a_connection_that_asks_for_nothing_ends(gateway: GatewayProcess) -> None:
    """The gateway ends it: were it kept, reading would end with an error of the socket's own time-out."""
    assert raw(gateway, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ") == b""


def test_a_connection_ends_whose_request_was_answered_before_its_body(gateway: GatewayProcess) -> None:
    """More of the body, never the whole of it, keeps no connection."""
    heads = {
        405: "PUT / HTTP/1.1\r\nHost: localhost\r\n",
        403: "POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n",
        415: "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n",
        421: "POST / HTTP/1.1\r\nHost: evil.example\r\n",
    }
    with ExitStack() as stack:
        connections = {status: stack.enter_context(connected(gateway)) for status in heads}
        for status, connection in connections.items():
            connection.sendall(f"{heads[status]}Content-Length: 9\r\n\r\n".encode())
            assert connection.recv(65536).startswith(f"HTTP/1.1 {status} ".encode())
        for connection in connections.values():
            connection.sendall(b"x")
        for connection in connections.values():
            # The rest of the page, and then the end; a connection that is kept ends this with the socket's time-out.
            while connection.recv(65536):
                pass


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost.evil.example", "", "localhost@evil.example"])
def test_another_host_is_misdirected(browser: Browser, host: str) -> None:
    for method, path in (("GET", "/"), ("POST", "/"), ("POST", "/signature"), ("GET", "/static/style.css")):
        response = browser.client.request(method, path, headers={"Host": host})
        assert response.status_code == 421
        assert_headers(response.headers)
        assert "evil" not in response.text


# --- cross-site requests ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": ""},
        {"Origin": "null", "Sec-Fetch-Site": ""},
        {"Origin": "", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_from_another_site_is_refused(site: Site, browser: Browser, headers: dict[str, str]) -> None:
    person = site.person()
    fields = {"csrf": browser.token(), "username": person.upn, "password": PASSWORD}
    assert browser.send(fields, **headers).status_code == 403
    assert site.linkus_password(person) != PASSWORD


def test_a_form_without_its_token_is_refused(site: Site, gateway: GatewayProcess, browser: Browser) -> None:
    person = site.person()
    with Browser(gateway) as other:
        foreign = other.token()
    own = browser.token()
    for token in ("", "x", foreign, f"{own}x", own[:-2]):
        response = browser.send({"csrf": token, "username": person.upn, "password": PASSWORD})
        assert (response.status_code, problem_in(response)) == (403, "The page was open for too long")
    with Browser(gateway) as without_cookie:
        assert without_cookie.send({"csrf": own, "username": person.upn, "password": PASSWORD}).status_code == 403
    assert site.linkus_password(person) != PASSWORD
    assert browser.send({"csrf": own, "username": person.upn, "password": PASSWORD}).status_code == 303


def test_cookies_are_for_this_host_alone(browser: Browser) -> None:
    (cookie,) = browser.client.get("/").headers.get_list("set-cookie")
    assert cookie.startswith("__Host-csrf=")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        "httponly",
        "path=/",
        "samesite=strict",
        "secure",
    }


@pytest.mark.parametrize("address", ["2", "-1", "1.0", "https://evil.example/", "//evil.example", "0\r\nX: y", "٠"])
def test_nobody_is_sent_anywhere_else(site: Site, browser: Browser, address: str) -> None:
    response = browser.sign_on(site.person().upn, address=address)
    assert response.status_code == 400
    assert "location" not in response.headers


@pytest.mark.parametrize("path", ["/?next=https://evil.example", "/?address=https://evil.example"])
def test_what_stands_in_the_address_of_the_form_leads_nowhere(site: Site, browser: Browser, path: str) -> None:
    token = token_in(browser.client.get(path))
    fields = {"csrf": token, "username": site.person().upn, "password": PASSWORD}
    response = browser.client.post(path, data=fields, headers={"Origin": browser.gateway.url})
    assert response.headers["location"] == LOGIN_ADDRESS


# --- odd forms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"username=a@b&password=c&csrf=d&password=e", FORM, 400),
        (b"username=a@b&password=c&csrf=d&other=e", FORM, 400),
        (b"username=%ff@b&password=c&csrf=d", FORM, 400),
        (b"username=a@b&password=%ed%a0%80&csrf=d", FORM, 400),
        (b"username", FORM, 400),
        (b"\xff\xfe\x00", FORM, 400),
        (b"a=b&" * 10, FORM, 400),
        (b"username=" + b"a" * 16 * 1024, FORM, 413),
        (b'{"username":"a@b"}', {"Content-Type": "application/json"}, 415),
        (b"--x\r\n", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (b"username=a@b", {"Content-Type": "text/plain"}, 415),
        (b"", FORM, 403),
    ],
)
def test_what_is_no_form_is_refused(browser: Browser, body: bytes, headers: dict[str, str], status: int) -> None:
    response = browser.client.post("/", content=body, headers=headers)
    assert response.status_code == status
    assert_headers(response.headers)


@pytest.mark.parametrize(
    "name",
    [
        "anna",
        "@lab.test",
        "anna@",
        "a@b@c",
        "a b@c",
        "a\x00@b",
        "a\r\n@b",
        "a\u202e@b",
        "a\u200b@b",
        "x" * 250 + "@lab.test",
    ],
)
def test_what_is_no_name_is_told_at_once(browser: Browser, name: str) -> None:
    response = browser.sign_on(name)
    assert (response.status_code, problem_in(response)) == (400, "This is not a whole user name")


@pytest.mark.parametrize("password", ["x" * 257, "a\x00b", "a\nb"])
def test_what_is_no_password_is_told_at_once(browser: Browser, password: str) -> None:
    assert problem_in(browser.sign_on("anna@lab.test", password)) == "This cannot be your password"


def test_an_empty_password_is_never_sent_on(site: Site, browser: Browser) -> None:
    response = browser.sign_on(site.person().upn, "")
    assert (response.status_code, problem_in(response)) == (400, "Something is missing")


@pytest.mark.parametrize(
    "pattern",
    [
        "*)(uid=*@lab.test",
        "*@lab.test",
        "{name}*@lab.test",
        "{name}\\2a@lab.test",
        "{name}\\00@lab.test",
        "{name}@lab.test)(objectClass=*",
        "CN={name},DC=lab@lab.test",
        "LAB\\{name}@lab.test",
        "<SID=S-1-5-18>@lab.test",
        "{name}%@lab.test",
        "{name}_@lab.test",
        "'OR'1'='1@lab.test",
        "{name}';--@lab.test",
        "ɡw{digits}@lab.test",
        "ｇｗ{digits}@lab.test",
        "{name}@ｌab.test",
        "{name}@lab.test.",
        "<script>alert(1)</script>@lab.test",
    ],
)
def test_a_name_that_is_only_alike_is_nobodys(
    site: Site, gateway: GatewayProcess, browser: Browser, pattern: str
) -> None:
    person = site.person()
    name = pattern.format(name=person.account_name, digits=person.account_name.removeprefix("gw"))
    response = browser.sign_on(name)
    assert (response.status_code, problem_in(response)) == (403, "You are not signed on")
    assert gateway.log.splitlines()[-1].endswith("problem=refused cause=unknown_name")
    assert site.linkus_password(person) != PASSWORD
    assert f'value="{escape(name)}"'.replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in response.text


# --- who is asking ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("proxies", "logged"), [([], "127.0.0.1"), (["127.0.0.1"], "203.0.113.9")])
def test_only_a_trusted_proxy_is_believed_who_is_asking(site: Site, proxies: list[str], logged: str) -> None:
    with site.gateway(listen={"trusted_proxies": proxies}) as gateway:
        with Browser(gateway, **{"X-Forwarded-For": "203.0.113.9"}) as browser:
            browser.sign_on("nobody@lab.test")
        assert f" address={logged} " in gateway.log


# --- what guesses tell --------------------------------------------------------------------------------------------


def without_token(response: httpx.Response, name: str) -> tuple[int, dict[str, str], str]:
    """A response but for what differs by chance, and with the name as if it were another."""
    headers = {key: value for key, value in response.headers.items() if key not in ("date", "set-cookie")}
    text = re.sub(r'name="csrf" value="[^"]+"', "", response.text)
    return response.status_code, headers, text.replace(name, "n" * len(name))


def test_nobody_learns_who_is_there(site: Site, gateway: GatewayProcess) -> None:
    known, disabled, outsider = site.person(), site.person(), site.person(synchronized=False)
    site.admin.set_enabled(disabled.dn, False)
    tries = {
        known.upn: "Wrong-Horse-77",
        disabled.upn: PASSWORD,
        outsider.upn: PASSWORD,
        known.upn.replace("person", "nobody"): PASSWORD,
    }
    # Of one length each, so that the pages are.
    assert len({len(name) for name in tries}) == 1
    answers: list[list[tuple[int, dict[str, str], str]]] = []
    seconds: dict[str, list[float]] = {}
    for name, password in tries.items():
        with Browser(gateway) as browser:
            answers.append([])
            # One more than a user may fail.
            for _try in range(site.settings.failures_per_user + 1):
                token = browser.token()
                begun = time.monotonic()
                response = browser.send({"csrf": token, "username": name, "password": password})
                seconds.setdefault(name, []).append(time.monotonic() - begun)
                answers[-1].append(without_token(response, name))
    assert all(one == answers[0] for one in answers)
    medians = [statistics.median(values) for values in seconds.values()]
    assert min(min(values) for values in seconds.values()) >= FLOOR
    # Far more than the floor's own exactness and far less than what is behind it: steps of the floor.
    assert max(medians) - min(medians) < FLOOR


# --- secrets ------------------------------------------------------------------------------------------------------


def test_no_secret_is_left_or_shown_anywhere(site: Site, browser: Browser) -> None:
    passwords = ["Secret-Horse-4711", "Wrong-Secret-4712", "Unfit-ä-Secret-4713", "Refused-Secret-4714"]
    right, unfit, refused = site.person(password=passwords[0]), site.person(password=passwords[2]), site.person()
    site.admin.set_password(refused.dn, passwords[3])
    pages: list[str] = []
    with watched_processes() as processes:
        site.emulator.fail("extension/update", "garbage", nth=2)
        tries = [
            (right.upn, passwords[0]),
            (right.upn, passwords[1]),
            (unfit.upn, passwords[2]),
            (refused.upn, passwords[3]),
            ("nobody@lab.test", passwords[1]),
            ("nonsense", passwords[0]),
        ]
        for name, password in tries:
            response = browser.sign_on(name, password)
            pages += [response.text, str(response.headers)]
    cookies = [value for _name, value in browser.client.cookies.items()]
    search = SecretSearch({*passwords, *secrets_of(site.emulator), *cookies})
    assert search.in_text("log", browser.gateway.log) == []
    for row in rows_of_sqlite(site.ledger_path):
        assert search.in_text("ledger", row) == []
    for seen in processes.commands | processes.environments:
        assert search.in_bytes("process", seen) == []
    answered = SecretSearch({*passwords, *secrets_of(site.emulator)})
    assert answered.in_text("page", "\n".join(pages)) == []
    kept = set(site.folder.rglob("credentials/*"))
    assert search.in_folder(site.folder, besides=kept) == []
