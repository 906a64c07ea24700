"""The settings of one installation's process: where its home is, how it listens, which clock it follows.

What decides about repairs lives in Git (`homeostat.yaml`, policies); what is local to a machine lives here, in
`HOME/settings.yaml`. Paths below the home are fixed: a person who looks for a file finds it where the docs say.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict
from pydantic.alias_generators import to_camel

from reconciler.model.home import BRANCH, INSTALLATION, MACHINE_EMAIL, MACHINE_NAME, Home

__all__ = [
    "BRANCH",
    "INSTALLATION",
    "MACHINE_EMAIL",
    "MACHINE_NAME",
    "AnalysisSettings",
    "ClockSettings",
    "CredentialSettings",
    "Home",
    "LabSettings",
    "RenderSettings",
    "SecretsSettings",
    "Settings",
    "TelemetrySettings",
    "WebSettings",
    "address",
]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=True, defer_build=True
    )


class WebSettings(_Part):
    """How the process listens."""

    host: Literal["127.0.0.1", "::1", "localhost"] = Field(
        default="127.0.0.1",
        description="Address to listen on; local addresses only, a reverse proxy with TLS stands in front of anything wider.",
    )
    port: int = Field(
        default=8765,
        ge=0,
        le=65535,
        description="TCP port of pages and webhooks; 0 lets the system choose, `homeostat status` prints it.",
    )
    origins: Annotated[tuple[str, ...], Strict(strict=False)] = Field(
        default=(),
        description="Addresses of a reverse proxy that people open the page at, such as `https://homeostat.example.org`; "
        "default none.",
    )


def address(host: str, port: int) -> str:
    """Where a browser on this machine finds the page."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class LabSettings(_Part):
    """The embedded lab that `homeostat up` starts beside the controller."""

    enabled: bool = Field(default=True, description="Start the lab; set to false once `homeostat.yaml` names real targets.")
    port: int = Field(
        default=8766,
        ge=0,
        le=65535,
        description="TCP port of the lab's metrics and state; a `lab` target without `settings.url` finds it by itself. "
        "0 lets the system choose, `homeostat status` prints it.",
    )
    seed: int = Field(default=7, ge=0, description="Seed of the lab's noise; the same seed and inputs give the same series.")


class ClockSettings(_Part):
    """Which clock drives everything."""

    mode: Literal["system", "stepped"] = Field(
        default="system",
        description="`system` follows the machine; `stepped` moves only when told to, for the demo and for tests.",
    )


class RenderSettings(_Part):
    """The programs that render units; nothing of them is needed for plain manifests."""

    kustomize: str = Field(default="", description="Path of the `kustomize` program; empty looks on PATH.")
    helm: str = Field(default="", description="Path of the `helm` program; empty looks on PATH.")


class SecretsSettings(_Part):
    """The age keys that files encrypted by sops are opened with. They are never in the repository."""

    age_key_file: str = Field(
        default="secrets/age.txt",
        description="File of age keys (`age-keygen -o FILE`), absolute or from the home folder, mode 0600; it need not exist.",
    )
    age_key_env: str = Field(
        default="",
        pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,99})?$",
        description="Name of an environment variable that holds age keys, beside the file; empty means none.",
    )


class CredentialSettings(_Part):
    """How this machine proves itself to one server that `homeostat.yaml` names; the secret stays in a file of its own."""

    origin: str = Field(
        pattern=r"^https?://[^\s@?#]{1,500}$",
        description="Address that the secret may be sent to, such as `https://metrics.example.org`; nothing else ever gets it.",
    )
    file: str = Field(
        min_length=1,
        max_length=500,
        description="File of the secret, absolute or from the home folder, mode 0600 to 0640; read again for every request.",
    )
    user: str = Field(
        default="",
        pattern=r"^[^:\s]{0,200}$",
        description="Name for HTTP basic authentication with the secret as password; empty sends the secret as bearer token.",
    )
    ca_file: str = Field(
        default="",
        max_length=500,
        description="File of the certificate authorities to trust, absolute or from the home folder; empty trusts the machine's.",
    )


class AnalysisSettings(_Part):
    """The worker process that looks at telemetry with the detectors, and the one that learns for them once an hour; both need the
    packages of the extra `analysis`.
    """

    enabled: bool = Field(
        default=True, description="Use the detectors: their findings stand beside each diagnosis, and forecasts open incidents."
    )
    seconds: int = Field(
        default=30, ge=1, le=600, description="Longest time that one look may take before its process is killed; unit s."
    )
    memory_mib: int = Field(
        default=2_048, ge=256, le=65_536, description="Most memory that each of the processes may take; unit MiB."
    )
    idle_seconds: int = Field(
        default=60,
        ge=1,
        le=86_400,
        description="The process ends when nothing was asked for this long, and starts again; unit s.",
    )


class TelemetrySettings(_Part):
    """How much the built-in telemetry keeps. What is older or too much goes, oldest first."""

    retention_hours: int = Field(
        default=360,
        ge=1,
        le=24 * 92,
        description="How long measurements are kept; unit h. Diagnosis needs hours, forecasts two weeks of a series.",
    )
    raw_hours: int = Field(
        default=48,
        ge=1,
        le=24 * 92,
        description="How long every sample is kept; unit h. Older ones stay as means over five minutes.",
    )
    max_mib: int = Field(default=256, ge=16, le=1_048_576, description="Most that is kept on disk; unit MiB.")


class Settings(_Part):
    """`HOME/settings.yaml`. Every field has a default, an empty file is valid."""

    web: WebSettings = Field(default=WebSettings(), description="How the process listens.")
    lab: LabSettings = Field(default=LabSettings(), description="The embedded lab.")
    clock: ClockSettings = Field(default=ClockSettings(), description="Which clock drives everything.")
    render: RenderSettings = Field(default=RenderSettings(), description="The programs that render units.")
    secrets: SecretsSettings = Field(default=SecretsSettings(), description="The age keys that open encrypted files.")
    credentials: dict[str, CredentialSettings] = Field(
        default_factory=dict,
        description="Credentials by the name that sources in `homeostat.yaml` use; default none.",
    )
    analysis: AnalysisSettings = Field(default=AnalysisSettings(), description="The worker process of the detectors.")
    telemetry: TelemetrySettings = Field(default=TelemetrySettings(), description="How much the built-in telemetry keeps.")
    turn_seconds: float = Field(
        default=0.1,
        ge=0.01,
        le=60,
        description="Seconds between two looks at the protected branch when nothing wakes the loop; unit s.",
    )
    heartbeat_seconds: int = Field(
        default=60, ge=1, le=3600, description="Seconds between two heartbeats; an outside Alertmanager alarms when they stop."
    )
    heartbeat_url: str = Field(
        default="", description="Where heartbeats are posted; empty means only the metric and the log line."
    )
    notify_url: str = Field(default="", description="Where pages to a person are posted; empty means `HOME/pages.jsonl` alone.")
