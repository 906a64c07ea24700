"""Access: where an API server is and as whom it is spoken to: a kubeconfig, or the pod's own service account.

The official client reads both, exec plug-ins and token refresh included; requests are made by `api`. Credentials are never
part of an error or a `repr`.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from kubernetes import client, config

from reconciler.errors import Misconfigured

IN_POD = "KUBERNETES_SERVICE_HOST"


class Access:
    """One cluster. `token` may block for as long as an exec plug-in takes: call it off the event loop."""

    def __init__(self, configuration: client.Configuration, where: str) -> None:
        self._configuration = configuration
        self.where = where
        self.url = str(configuration.host).rstrip("/")
        self.proxy: str | None = configuration.proxy or None
        self.server_name: str | None = configuration.tls_server_name or None
        self.tls = _tls(configuration, where) if urlsplit(self.url).scheme == "https" else None

    def token(self) -> str:
        """The value of the Authorization header, fresh; "" for client certificates."""
        value = self._configuration.get_api_key_with_prefix("authorization", alias="BearerToken")
        return str(value or self._configuration.get_basic_auth_token() or "")

    def __repr__(self) -> str:
        return f"Access({self.url})"


def find(kubeconfig: str, context: str, home: Path) -> Access:
    """The named kubeconfig (relative to `home`), else the pod's account, else what KUBECONFIG or ~/.kube/config says."""
    configuration = client.Configuration()
    where = str(home / kubeconfig) if kubeconfig else os.environ.get("KUBECONFIG", "~/.kube/config")
    try:
        if not kubeconfig and os.environ.get(IN_POD):
            where = "the pod's service account"
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=str(home / kubeconfig) if kubeconfig else None,
                context=context or None,
                client_configuration=configuration,
                persist_config=False,
            )
    except (config.ConfigException, OSError, ValueError, TypeError, KeyError) as error:
        raise Misconfigured(
            f"cannot read the access to the cluster: {type(error).__name__}: {error}",
            where=where,
            next_step="check kubeconfig and context in the target's settings with `kubectl --kubeconfig FILE config view`",
        ) from error
    return Access(configuration, where)


def _tls(configuration: client.Configuration, where: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=configuration.ssl_ca_cert or None)
        if not configuration.verify_ssl:  # the kubeconfig says insecure-skip-tls-verify
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if configuration.cert_file:
            context.load_cert_chain(configuration.cert_file, configuration.key_file or None)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"cannot use the certificates of the cluster's access: {error}", where=where) from error
    return context
