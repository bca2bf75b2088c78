from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jwt
import pytest

from include.engine.errors import FatalError, RecordRejected, TransientError
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.export.request import ExportRequest
from include.pipelines.fhir.client.search import Search
from tests.fixtures.clocks import QuickClock
from tests.fixtures.fhir_server import fhir_server
from tests.fixtures.loopback import LoopbackServer, Received, Reply, fhir, outcome
from tests.include.pipelines.fhir.client.conftest import Serve
from tests.include.pipelines.fhir.client.keys import key_pair

Connect = Callable[..., FHIRClient]
RS_PEM, RS_JWK = key_pair("RS384", "rs")
ES_PEM, ES_JWK = key_pair("ES384", "es")
PATIENTS = Search(resource_type="Patient")


def smart(**more: Any) -> dict[str, Any]:
    return {
        "kind": "smart",
        "client_id": "headrace",
        "private_key": ES_PEM,
        "algorithm": "ES384",
        "key_id": "es",
        **more,
    }


@pytest.fixture(scope="module")
def smart_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    keys = {"RS384": RS_JWK, "ES384": ES_JWK, "headrace": ES_JWK}
    clients = [{"client_id": name, "jwks": {"keys": [jwk]}, "scopes": "system/*.*"} for name, jwk in keys.items()]
    auth = {"types": ["smart"], "smart_clients": clients}
    with fhir_server(tmp_path_factory.mktemp("smart") / "server", {"server_auth": auth}) as base:
        yield base


@pytest.mark.parametrize(("algorithm", "pem", "key_id"), [("RS384", RS_PEM, "rs"), ("ES384", ES_PEM, "es")])
def test_a_real_server_takes_the_assertion_and_its_token_opens_it(
    smart_server: str, connect: Connect, algorithm: str, pem: str, key_id: str
) -> None:
    auth = smart(
        client_id=algorithm,
        algorithm=algorithm,
        private_key=pem,
        key_id=key_id,
        scope="system/*.read system/*.write",
    )
    client = connect(smart_server, auth=auth)
    made = client.create({"resourceType": "Patient"})
    assert made.resource_id is not None
    assert client.delete("Patient", made.resource_id)


def test_a_real_export_with_a_token_brings_its_files(smart_server: str, connect: Connect, tmp_path: Path) -> None:
    client = connect(smart_server, auth=smart(scope="system/*.*"))
    client.create({"resourceType": "Patient"})
    export = client.export(ExportRequest(types=("Patient",)), tmp_path / "export")
    assert sum(file.lines for file in export.output) >= 1


def test_a_scope_that_does_not_reach_rejects_the_record(smart_server: str, connect: Connect) -> None:
    client = connect(smart_server, auth=smart(scope="system/Observation.read"))
    with pytest.raises(RecordRejected, match=r"403 \(error/forbidden\)"):
        client.read("Patient", "1")


def test_a_client_that_the_server_does_not_know_gets_no_token(smart_server: str, connect: Connect) -> None:
    with pytest.raises(FatalError, match=r"POST /auth/token: 401 \(invalid_client\): the server gives no token"):
        connect(smart_server, auth=smart(client_id="nobody")).read("Patient", "1")


class TokenServer:
    """Gives tokens and takes the newest only."""

    def __init__(self) -> None:
        self.given = 0
        self.life_s: Any = 300
        self.accepted: set[str] = set()
        self.fail: Iterator[Reply] = iter(())
        self.server: LoopbackServer | None = None

    def __call__(self, request: Received) -> Reply:
        assert self.server is not None
        if request.path.endswith("/smart-configuration"):
            return fhir({"token_endpoint": f"{self.server.origin}/token"})
        if request.path == "/token":
            return next(self.fail, None) or self.token()
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.accepted:
            return outcome(401, code="expired")
        return fhir({"resourceType": "Patient", "id": "1"})

    def token(self) -> Reply:
        self.given += 1
        self.accepted = {f"t{self.given}"}
        return fhir({"access_token": f"t{self.given}", "token_type": "Bearer", "expires_in": self.life_s})

    def asked(self) -> list[dict[str, str]]:
        assert self.server is not None
        return [dict(parse_qsl(request.body.decode())) for request in self.server.received if request.path == "/token"]


@pytest.fixture
def tokens(serve: Serve) -> TokenServer:
    handle = TokenServer()
    handle.server = serve(handle)
    return handle


def base_of(tokens: TokenServer) -> str:
    assert tokens.server is not None
    return tokens.server.base


def test_the_assertion_is_what_the_standard_asks_for(tokens: TokenServer, connect: Connect) -> None:
    connect(base_of(tokens), auth=smart(scope="system/Patient.rs")).read("Patient", "1")
    (form,) = tokens.asked()
    assert form["grant_type"] == "client_credentials"
    assert form["scope"] == "system/Patient.rs"
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert jwt.get_unverified_header(form["client_assertion"]) == {"alg": "ES384", "kid": "es", "typ": "JWT"}
    endpoint = base_of(tokens).replace("/fhir", "/token")
    key = jwt.PyJWK(ES_JWK).key
    claims = jwt.decode(form["client_assertion"], key, algorithms=["ES384"], audience=endpoint)
    assert claims["iss"] == claims["sub"] == "headrace"
    assert 0 < claims["exp"] - claims["iat"] <= 300
    assert claims["jti"]


def test_a_token_is_renewed_before_it_ends_and_kept_until_then(
    tokens: TokenServer, connect: Connect, clock: QuickClock
) -> None:
    client = connect(base_of(tokens), auth=smart())
    for pause_s, given in [(0, 1), (230, 1), (11, 2), (239, 2), (2, 3)]:
        clock.pause(pause_s)
        client.read("Patient", "1")
        assert tokens.given == given


@pytest.mark.parametrize(("life_s", "lives_s"), [("100", 80), (None, 240), ("soon", 240), (20, 16)])
def test_a_tokens_life_is_read_or_taken_to_be_five_minutes(
    tokens: TokenServer, connect: Connect, clock: QuickClock, life_s: object, lives_s: float
) -> None:
    tokens.life_s = life_s
    client = connect(base_of(tokens), auth=smart())
    for pause_s, given in [(0, 1), (lives_s - 1, 1), (2, 2)]:
        clock.pause(pause_s)
        client.read("Patient", "1")
        assert tokens.given == given


def test_a_token_that_the_server_forgot_is_renewed_once(tokens: TokenServer, connect: Connect) -> None:
    client = connect(base_of(tokens), auth=smart())
    client.read("Patient", "1")
    tokens.accepted = set()
    client.read("Patient", "1")
    assert tokens.given == 2


def test_a_server_that_refuses_its_own_tokens_is_an_error_and_no_loop(tokens: TokenServer, connect: Connect) -> None:
    tokens.token = lambda: fhir({"access_token": "other", "token_type": "bearer"})
    with pytest.raises(FatalError, match="the server refuses the connection's smart credentials"):
        connect(base_of(tokens), auth=smart()).read("Patient", "1")
    assert len(tokens.asked()) == 2


def test_many_threads_renew_once(tokens: TokenServer, connect: Connect) -> None:
    client = connect(base_of(tokens), auth=smart(), pool_size=8)
    begin = threading.Barrier(8)

    def read(_: int) -> str:
        begin.wait()
        return str(client.read("Patient", "1")["id"])

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(read, range(8))) == ["1"] * 8
        tokens.accepted = set()
        assert list(threads.map(read, range(8))) == ["1"] * 8
    assert tokens.given == 2


def test_those_who_waited_for_a_token_that_was_refused_do_not_ask_again(serve: Serve, connect: Connect) -> None:
    waiting = threading.Event()

    def refuse(request: Received) -> Reply:
        if request.path == "/token":
            waiting.wait(10)
            return fhir({"error": "invalid_client", "error_description": "Zyxwvut"}, 400)
        raise AssertionError(request.path)

    server = serve(refuse)
    client = connect(server.base, auth=smart(token_url=f"{server.origin}/token"))
    credentials = client._session.credentials

    together = threading.Barrier(6)

    def ask() -> str:
        together.wait(10)
        with pytest.raises(FatalError) as error:
            credentials.authorization()
        return str(error.value)

    with ThreadPoolExecutor(6) as threads:
        asked = [threads.submit(ask) for _ in range(6)]
        while not server.received:
            threading.Event().wait(0.005)
        waiting.set()
        told = {future.result() for future in asked}
    assert told == {"POST /token: 400 (invalid_client): the server gives no token"}
    assert len(server.received) < 6


def test_a_busy_token_endpoint_is_tried_again_with_a_new_assertion(
    tokens: TokenServer, connect: Connect, clock: QuickClock
) -> None:
    tokens.fail = iter([Reply(503), Reply(429, b"", {"Retry-After": "5"})])
    connect(base_of(tokens), auth=smart()).read("Patient", "1")
    assertions = {form["client_assertion"] for form in tokens.asked()}
    assert len(assertions) == 3
    assert 5 <= clock.slept[1] <= 6


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"access_token": "a\nb", "token_type": "bearer"}, "holds no bearer token"),
        ({"token_type": "bearer"}, "holds no bearer token"),
        ({"access_token": "x", "token_type": "mac"}, "holds no bearer token"),
    ],
)
def test_an_answer_without_a_bearer_token_is_an_error(
    tokens: TokenServer, connect: Connect, answer: dict[str, str], told: str
) -> None:
    tokens.token = lambda: fhir(answer)
    with pytest.raises(FatalError, match=told):
        connect(base_of(tokens), auth=smart()).read("Patient", "1")


def test_a_server_without_a_smart_configuration_is_an_error_with_the_fix(serve: Serve, connect: Connect) -> None:
    server = serve(lambda _: outcome(404, code="not-found"))
    with pytest.raises(FatalError, match="no token_endpoint: give token_url"):
        connect(server.base, auth=smart()).read("Patient", "1")


def test_a_token_server_that_is_down_may_be_back_later(serve: Serve, connect: Connect) -> None:
    server = serve(lambda _: Reply(503))
    with pytest.raises(TransientError, match=r"POST /token: 503"):
        connect(server.base, auth=smart(token_url=f"{server.origin}/token")).read("Patient", "1")
