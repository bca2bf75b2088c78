"""Both web APIs of the enrichment on loopback: a search as Serper has it, and a model behind OpenAI's chat API.

`python -m include.sandbox.web_apis` serves until it is stopped and prints its address; `GET /calls` gives what it saw
as JSON. In a test or a demo, `WebApis` runs it in a thread.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from include.sandbox.web_apis_behaviour import Behaviour, Draws, Fault
from include.sandbox.web_apis_calls import Call, CallLog
from include.sandbox.web_apis_content import chat_answer, prompt_of, search_answer
from include.sandbox.web_apis_http import HttpReply, HttpRequest, HttpServer
from include.sandbox.web_apis_quotas import Quota, QuotaMeter

API_KEY = "sandbox"
"""What both services take as the key."""

_JSON = {"Content-Type": "application/json"}


class Service:
    """One of the two. Used on the server's loop; `draws.plan` and `log` from any thread."""

    def __init__(self, api: str, behaviour: Behaviour, log: CallLog) -> None:
        self.api, self.behaviour, self.log = api, behaviour, log
        self.draws = Draws(behaviour)
        self.meters = [QuotaMeter(quota) for quota in behaviour.quotas]

    async def reply(self, asked: Mapping[str, Any]) -> HttpReply:
        """What goes back, after the time that it takes."""
        content = str(asked.get("q", "")) if self.api == "search" else prompt_of(asked.get("messages") or [])
        call = self.log.begin(self.api, content, time.time())
        answer = search_answer(content, int(asked.get("num", 10))) if self.api == "search" else chat_answer(asked)
        needed = answer.get("usage", {}).get("total_tokens", 0)
        fault, latency_s = self.draws.fault(), self.draws.latency_s()
        call.fault = fault
        if (refused := self._refused(call, needed, fault)) is not None:
            return refused
        call.tokens, call.paid = needed, True
        for meter in self.meters:
            meter.take(call.arrived, needed if meter.quota.kind == "tokens" else 1)
        limits = self._limits(call.arrived)
        await asyncio.sleep(latency_s)
        if fault == "late_reset":
            return HttpReply(0, b"", broken="reset")
        call.status, call.answered = 200, time.time()
        body = {"malformed": b"<html>gateway</html>", "empty": b"{}"}.get(fault) or json.dumps(answer).encode()
        drips_s = self.behaviour.slow_body_s if fault == "slow_body" else 0.0
        return HttpReply(200, body, {**_JSON, **limits}, "cut" if fault == "cut" else "none", drips_s)

    def _refused(self, call: Call, needed: int, fault: Fault) -> HttpReply | None:
        wait_s = self.behaviour.retry_after_s if fault == "busy" else None
        for meter in self.meters:
            if not meter.has_room(call.arrived, needed if meter.quota.kind == "tokens" else 1):
                wait_s = max(wait_s or 0.0, meter.reset_s(call.arrived))
        if wait_s is not None:
            limits = {**self._limits(call.arrived), "Retry-After": f"{wait_s:.3f}"}
            return self._error(call, 429, "rate_limit_exceeded", limits)
        if fault == "fault":
            return self._error(call, 503, "server_error", {})
        return HttpReply(0, b"", broken="reset") if fault == "reset" else None

    def _limits(self, now: float) -> dict[str, str]:
        """Headers have one name a kind: the first quota of each is shown."""
        shown: dict[str, str] = {}
        for meter in reversed(self.meters):
            shown.update(meter.headers(now))
        return shown

    @staticmethod
    def _error(call: Call, status: int, code: str, headers: Mapping[str, str]) -> HttpReply:
        call.status, call.answered = status, time.time()
        return HttpReply(status, json.dumps({"error": {"code": code}}).encode(), {**_JSON, **headers})


class WebApis:
    """A context manager: serves in a thread from entering to leaving. `port` 0 asks for a free one."""

    def __init__(self, search: Behaviour | None = None, model: Behaviour | None = None, *, port: int = 0) -> None:
        self.log = CallLog()
        self.search = Service("search", search or Behaviour(), self.log)
        self.model = Service("model", model or Behaviour(), self.log)
        self.origin = ""
        """`http://127.0.0.1:port`, once it serves."""
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._http = HttpServer(self._handle)
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox-web-apis", daemon=True)

    def __enter__(self) -> WebApis:
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(self._http.start("127.0.0.1", self._port), self._loop)
        self.origin = f"http://127.0.0.1:{started.result(10)}"
        return self

    def __exit__(self, *_: object) -> None:
        """Safe to call twice."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._http.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _handle(self, request: HttpRequest) -> HttpReply:
        if (request.method, request.path) == ("GET", "/calls"):
            return HttpReply(200, json.dumps(self.log.to_json()).encode(), _JSON)
        route = (request.method, request.path)
        if route == ("POST", "/search"):
            known, service = request.headers.get("x-api-key") == API_KEY, self.search
        elif route == ("POST", "/v1/chat/completions"):
            known, service = request.headers.get("authorization") == f"Bearer {API_KEY}", self.model
        else:
            return HttpReply(404, b"{}", _JSON)
        if not known:
            return HttpReply(401, b'{"error": {"code": "invalid_api_key"}}', _JSON)
        try:
            asked = json.loads(request.body)
        except ValueError:
            asked = None
        return await service.reply(asked) if isinstance(asked, dict) else HttpReply(400, b"{}", _JSON)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m include.sandbox.web_apis", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    for name, latency_s in (("search", 1.0), ("model", 2.0)):
        parser.add_argument(f"--{name}-latency", type=float, default=latency_s, metavar="SECONDS")
    parser.add_argument("--slow-share", type=float, default=0.0, help="answers that take --slow-factor times as long")
    parser.add_argument("--slow-factor", type=float, default=20.0)
    parser.add_argument("--busy-share", type=float, default=0.0, help="429")
    parser.add_argument("--fault-share", type=float, default=0.0, help="503")
    parser.add_argument("--reset-share", type=float, default=0.0)
    parser.add_argument("--malformed-share", type=float, default=0.0)
    parser.add_argument(
        "--quota",
        action="append",
        default=[],
        metavar="API:KIND:AMOUNT:SECONDS",
        help="such as search:requests:100:60 or model:tokens:20000:60; may come several times",
    )
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    """Serve until interrupted."""
    told = vars(_arguments())
    port, latencies = told.pop("port"), [told.pop("search_latency"), told.pop("model_latency")]
    quotas = [entry.split(":") for entry in told.pop("quota")]
    search, model = (
        Behaviour(
            latency_s=latency_s,
            quotas=tuple(Quota(kind, int(amount), float(s)) for api, kind, amount, s in quotas if api == name),
            **told,
        )
        for name, latency_s in zip(("search", "model"), latencies, strict=True)
    )
    with WebApis(search, model, port=port) as apis:
        print(apis.origin, flush=True)  # noqa: T201 - what starts it reads the address
        threading.Event().wait()


if __name__ == "__main__":
    main()
