"""Run by test_store_crash: commits cases with their records for ever, until it is killed. Prints once it has begun."""

import sys
from dataclasses import replace

from reconciler.adapters.stores import SqliteStore
from reconciler.testing.check_store import a_case, a_record

store = SqliteStore(sys.argv[1])
store.open_case(a_case(), [], [])
case = store.case("case-1")
assert case is not None
print("begun", flush=True)  # noqa: T201 - its parent reads it
while True:
    number = case.version + 1
    step = replace(case, attempts=number, data={"step": number, "ballast": "x" * 20_000})
    assert store.commit(step, [a_record(f"step/{number}/a", n=number), a_record(f"step/{number}/b", n=number)])
    case = replace(step, version=number)
    print(number, flush=True)  # noqa: T201
