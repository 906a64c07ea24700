"""Access: where an API server is and as whom it is spoken to: a kubeconfig, or the pod's own service account.

The official client reads both, exec plug-ins and token refresh included; requests are made by `api`. Credentials are never
part of an error or a `repr`.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from kubernetes import client, config

from reconciler.adapters.targets.kubernetes import proxies
from reconciler.errors import Misconfigured, Retryable

IN_POD = "KUBERNETES_SERVICE_HOST"


class Access:
    """One cluster. `token` may block for as long as an exec plug-in takes: call it off the event loop."""

    def __init__(self, load: Callable[[], client.Configuration], where: str) -> None:
        configuration = load()
        self._configuration, self._load, self._loaded = configuration, load, time.monotonic()
        self.where = where
        self.url = _address(str(configuration.host).rstrip("/"), where)
        given, named = (configuration.proxy, where) if configuration.proxy else proxies.of_environment(self.url, os.environ)
        self.proxy: str | None = _proxy(given, named)
        self.server_name: str | None = configuration.tls_server_name or None
        self.tls = _tls(configuration, where) if urlsplit(self.url).scheme == "https" else None

    def token(self, *, refused: bool = False) -> str:
        """The value of the Authorization header, fresh; "" for client certificates. `refused`: the last one was, so all is read
        again, as often as once a second: who rotates a token file or a kubeconfig restarts nothing.
        """
        if refused and time.monotonic() >= self._loaded + 1:
            self._loaded = time.monotonic()
            with contextlib.suppress(Misconfigured):  # half written; the next refusal reads it again
                self._configuration = self._load()
        try:
            value = self._configuration.get_api_key_with_prefix("authorization", alias="BearerToken")
        except Exception as error:  # whatever a refresh hook raises: a file that is gone, a plug-in that fails
            raise Retryable(f"cannot read the credential for {self.url}: {type(error).__name__}", after_ms=5_000) from error
        return str(value or "").strip()  # a file that was written with `echo` ends with a line break

    def __repr__(self) -> str:
        return f"Access({self.url})"


def find(kubeconfig: str, context: str, home: Path) -> Access:
    """The named kubeconfig (relative to `home`), else the pod's account, else what KUBECONFIG or ~/.kube/config says."""
    if kubeconfig:
        where = str(home / kubeconfig)
    else:
        where = "the pod's service account" if os.environ.get(IN_POD) else os.environ.get("KUBECONFIG", "~/.kube/config")
    return Access(lambda: _read(kubeconfig, context, home, where), where)


def _read(kubeconfig: str, context: str, home: Path, where: str) -> client.Configuration:
    configuration = client.Configuration(proxy="")  # the environment is read by `proxies`
    try:
        if not kubeconfig and os.environ.get(IN_POD):
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=str(home / kubeconfig) if kubeconfig else None,
                context=context or None,
                client_configuration=configuration,
                persist_config=False,
            )
            if not configuration.verify_ssl:
                _wanted_unchecked(str(home / kubeconfig) if kubeconfig else config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION)
    except (config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Misconfigured(
            f"cannot read the access to the cluster: {type(error).__name__}: {error}",
            where=where,
            next_step="check kubeconfig and context in the target's settings with `kubectl --kubeconfig FILE config view`",
        ) from error
    return configuration


def _wanted_unchecked(files: str) -> None:
    """The client takes every word for true, "false" too. kubectl refuses a file where it is a word."""
    for held in config.kube_config.KubeConfigMerger(files).config_files.values():  # type: ignore[no-untyped-call]
        for item in held.get("clusters") or ():
            if not isinstance(word := item["cluster"].get("insecure-skip-tls-verify", False), bool):
                raise TypeError(f"insecure-skip-tls-verify of cluster {item['name']} is {word!r}, and has to be true or false")


def _address(url: str, where: str) -> str:
    """Without a scheme it would be spoken to in the clear, and without a host it is this machine. It is shown in errors."""
    if "@" in url:
        raise Misconfigured(
            "the address of the cluster has a name or a password in it",
            where=where,
            next_step="write server: https://HOST:PORT in the kubeconfig, and username and password below users",
        )
    if not _names_a_host(url, ("https", "http")):
        raise Misconfigured(
            f"{url[:200]!r} is no address of a cluster",
            where=where,
            next_step="write server: https://HOST:PORT in the kubeconfig",
        )
    return url


def _proxy(url: str, where: str) -> str | None:
    """Its words are not shown: a password may be among them."""
    parts = url.partition("://")[2]
    if url and not (_names_a_host(url, ("http",)) and not {"?", "#"} & set(parts) and not parts.rstrip("/").count("/")):
        raise Misconfigured(
            "the proxy of the cluster's access is not spoken to over http, or its address cannot be read",
            where=where,
            next_step="give an address such as http://USER:PASSWORD@HOST:PORT, with %23 for # and %2F for / in the password; "
            "what goes through it is TLS from end to end all the same",
        )
    return url or None


def _names_a_host(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


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
