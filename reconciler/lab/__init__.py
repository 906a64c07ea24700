"""The lab: a small but true world to repair. Its only inputs are desired state (`/apply`), faults (`/faults`) and
one-shot acts (`/operate`).

Twelve services and a database are simulated as fluid queues at steps of one second under the injected Clock; see `node`
for the mathematics, `rollout` for replicas, `plane` for desired state and generations, `world` for time, `server` for HTTP.
Everything is a function of the seed, the inputs and the clock times at which they came: kill -9 and a restart change nothing.

HTTP interface (localhost, JSON bodies of at most 1 MiB; every answer is JSON but `/metrics`). `spec` is the value under the
manifest's `spec:` key, exactly as written; the lab returns it unaltered, so that `digest(spec)` can be compared on both sides.
Object ids are "Service/<name>" and "Database/<name>".

    GET /healthz                 200 {"ok": true, "time_ms": 1000}
    GET /metrics                 Prometheus text 0.0.4: lab_<metric>{service="checkout"} and lab_time_seconds,
                                 lab_calls_total{service,callee}, lab_requests_total{service,outcome}
    GET /observe?unit=shop       200 {"unit": "shop", "generation": 7, "revision": "<commit>",
                                      "objects": {"Service/checkout": {<spec>}},          live, drift included
                                      "inventory": {"Service/checkout": "sha256:..."}}    digest last applied
                                 An unknown unit has generation 0, revision "" and no objects.
    GET /inventory               200 {"objects": {"Service/checkout": "shop"}}
    GET /health?unit=shop        200 {"health": [{"id": "Service/checkout", "state": "healthy", "message": ""}]}
                                 states are model.revisions.HealthState values
    POST /apply, POST /dry-run   {"unit": "shop", "revision": "<commit>", "generation": 7,
                                  "steps": [{"verb": "create|update|prune", "id": "Service/checkout"}],
                                  "objects": [{"id": "Service/checkout", "spec": {...}, "digest": "sha256:..."}]}
        200  {"unit", "revision", "generation", "reason": "applied" | "invalid",
              "results": [{"id", "verb", "ok", "reason", "detail"}]}
             one result for each step; wrong objects fail alone (ok false, reason "invalid", detail names the field), the
             others go on. `objects` may hold more than the steps name. Pruning what another unit owns by now, or what
             is gone already, is ok and does nothing.
        409  {"reason": "stale-plan", "generation": <held>, "revision": "<held>", "results": []}
             the plan's generation is older than the unit's, or equal under another revision. Nothing is done.
             The same generation and revision again is accepted: that is a repetition or a drift correction.
        The new desired state is on disk before it acts. `/dry-run` gives the same answers and touches nothing.
    GET /state                   200 {"time_ms", "seed", "units": {unit: {"generation", "revision"}},
                                      "services": {name: {"unit", "kind", "spec", "health", "message", "ready", "desired",
                                                          "releases": {"1.4.2": 3}, "metrics": {name: value}}},
                                      "faults": [...],
                                      "operations": {id: {"unit", "action", "component", "time_ms", "detail"}}}
    GET /actions                 200 {"actions": {"clear-queue": "irreversible", "restart": "costly"}}
    POST /operate                {"id": "clear-queue-7", "unit": "shop", "action": "clear-queue", "component": "checkout",
                                  "dryRun": false}
        200  {"id", "ok", "reason": "ok" (dry run) | "applied" | "duplicate" | "invalid", "detail"}
             Once for each id: the second time says "duplicate" and does nothing. Its effect is on disk before the answer.
    GET /faults                  200 {"faults": [{"id": "f1", "kind": ..., ...}]}
    POST /faults                 200 {"id": "f1", ...}    shapes: `faults.FAULTS`; a hand edit happens at once, has no id
    DELETE /faults/<id>          200 {"id": "f1"}, 404 when unknown
    POST /reset-faults           200 {"removed": ["f1"]}

    400 {"error": "...", "where": "objects[0].spec", "next_step": "..."} for a body that is no such request, 404 unknown path,
    411 / 413 / 415 for a body without a length / too large / not application/json, 403 / 421 for web pages and foreign host
    names, 503 when the lab's folder cannot be written (nothing was done).

Entry for whoever composes: `server.serve(home, clock, seed, host, port)` blocks and holds the folder's lock.
"""
