"""The words of the reference that the code itself does not carry: what record kinds, metrics and exit codes mean.

Names come from the code (`RecordKind`, `/metrics`, the errors); a test fails when one of them has no meaning here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.model.records import RecordKind

RECORDS: Final[Mapping[RecordKind, str]] = {
    RecordKind.CONFIGURED: "What `init` pinned: root revision, keys, owner; later accepted branches and settings.",
    RecordKind.INCIDENT: "Signals became an incident.",
    RecordKind.DIAGNOSIS: "Ranked causes with their evidence, or unknown.",
    RecordKind.SECOND_LOOK: "What the analysis said minutes after a diagnosis, for people; nothing is decided by it.",
    RecordKind.PROPOSAL: "The edit that was proposed, with its inverse and what is expected of it.",
    RecordKind.BALLOTS: "Everything that the judges were given for one verdict; `replay` starts here.",
    RecordKind.REVIEW: "A person's word about exactly one head.",
    RecordKind.VERDICT: "Both decisions, composed, with every requirement. Refusals too.",
    RecordKind.ADMISSION: "Why a commit on the protected branch may be applied.",
    RecordKind.MERGE: "A head became the tip of the protected branch.",
    RecordKind.APPLY: "What a target did with a revision.",
    RecordKind.OUTCOME: "Better, worse or unknown, with the numbers before and after.",
    RecordKind.HOLD: "A hold was placed or released.",
    RecordKind.BRAKE: "A brake was put on or lifted.",
    RecordKind.PANIC: "A panic: what it undid and what it left alone.",
    RecordKind.OPERATION: "A one-shot Operation was started or finished.",
    RecordKind.REFUSAL: "A candidate was refused, with the guard that refused it.",
    RecordKind.CLOSED: "A case came to its end.",
    RecordKind.ALARM: "A rewritten branch, a tampered record, a blind healer.",
}

METRICS: Final[Mapping[str, str]] = {
    "homeostat_step_seconds": "Duration of one step of a case, by `stage`.",
    "homeostat_verdicts_total": "Verdicts, by `effect` and `reason`.",
    "homeostat_guard_blocked_total": "How often each `guard` said no.",
    "homeostat_faults_total": "Faults of the loop's own parts, by `part`. The last text of each is in `/readyz`.",
    "homeostat_deliveries_total": "Webhook deliveries, by `answer`.",
    "homeostat_heartbeat_timestamp_seconds": "Wall-clock time of the last heartbeat. An alert on its age finds a dead healer.",
    "homeostat_signals_pending": "Signals that are stored and not yet grouped.",
    "homeostat_oldest_signal_age_seconds": "Age of the oldest of them, under the Clock.",
    "homeostat_records_unpublished": "Records in the outbox that are not yet in the log.",
    "homeostat_cases_open": "Cases on their way through the loop.",
    "homeostat_log_size": "Records in the log.",
    "homeostat_telemetry_refused_total": "Samples, spans and log lines that telemetry did not keep since the start, by `why`.",
}

EXIT_CODES: Final[Mapping[int, tuple[str, str]]] = {
    0: ("done", "What was asked for was done, or what was asked about is so."),
    1: ("refused or failed", "Repeating it will not help; the sentence on stderr says what may."),
    2: ("wrong usage", "The arguments are wrong; `--help` shows examples."),
    65: ("tampered", "A signature, digest, ref or log does not prove what it claims. Stop and look."),
    75: ("try again", "The world was in the way (a lock, a time-out). The same call may work later."),
    78: ("misconfigured", "A document or setting is wrong; the message names file, line and column."),
    130: ("stopped", "Ctrl-C."),
}
