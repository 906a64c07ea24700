"""The reference, written from the code: `make docs` runs this module, a test compares what is there with what would be written.

In: the parser, the settings, the document models, Reason, RecordKind, the ports, the plug-in table. Out: Markdown in
docs/reference/. What has no text in the code and none in `reference_words` or `reference_reasons` makes this module fail.
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast

from reconciler.cli.parser import build
from reconciler.cli.reference_reasons import MEANINGS
from reconciler.cli.reference_schemas import document_page, flat, settings_table, table
from reconciler.cli.reference_words import EXIT_CODES, METRICS, RECORDS
from reconciler.documents.registry import KINDS
from reconciler.documents.schemas import file_name, published
from reconciler.errors import HomeostatError
from reconciler.model.reasons import Reason
from reconciler.model.records import RecordKind
from reconciler.plugins import BUILT_IN
from reconciler.settings import Settings

FOLDER = Path("docs/reference")
GENERATED = "<!-- Written by `make docs` from the code. Edit the code, not this page. -->\n"
PORTS = (
    "analyst", "clock", "detector", "forge", "memory", "notifier", "renderer", "repo", "signing", "store", "target", "telemetry",
    "voter", "work",
)  # fmt: skip
_METRIC = re.compile(r"# TYPE (\w+) (\w+)")


def pages() -> dict[str, str]:
    """File name below docs/reference to its text."""
    made = {
        "README.md": _index(),
        "cli.md": _cli(),
        "exit-codes.md": _exit_codes(),
        "settings.md": _settings(),
        "reasons.md": _reasons(),
        "records.md": _records(),
        "metrics.md": _metrics(),
        "ports.md": _ports(),
        "plugins.md": _plugins(),
        "sensors.md": _sensors(),
        "documents/README.md": _documents(),
    }
    made |= {f"documents/{_document(kind)}": document_page(kind) for kind in KINDS}
    return {name: GENERATED + "\n" + text.rstrip() + "\n" for name, text in made.items()}


def write(folder: Path) -> None:
    """Every page; generated pages of things that are gone go too."""
    wanted = pages()
    for old in folder.rglob("*.md"):
        if old.relative_to(folder).as_posix() not in wanted and old.read_text(encoding="utf-8").startswith(GENERATED):
            old.unlink()
    for name, text in wanted.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _index() -> str:
    rows = (
        ("cli.md", "every verb and its arguments"), ("exit-codes.md", "what a program may rely on"),
        ("settings.md", "`HOME/settings.yaml`"), ("documents/README.md", "every kind of document and its fields"),
        ("reasons.md", "the words of every outcome, and what to do"), ("records.md", "what the log holds"),
        ("metrics.md", "what the healer says about itself"), ("ports.md", "what an adapter has to do"),
        ("plugins.md", "built-in adapters, and how to add one"), ("sensors.md", "what the shipped library says of each metric"),
    )  # fmt: skip
    return "# Reference\n\n" + "\n".join(
        f"* [{name.removesuffix('.md').removesuffix('/README')}]({name}): {what}" for name, what in rows
    )


def verbs(parser: argparse.ArgumentParser | None = None, prefix: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Each verb that runs something, with its parser: `pr approve`."""
    for action in (parser or build())._actions:  # noqa: SLF001 - argparse has no public way to list sub-commands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - the same
            for name, below in cast("Mapping[str, argparse.ArgumentParser]", action.choices).items():
                full = f"{prefix} {name}".strip()
                if below.get_default("run"):
                    yield full, below
                yield from verbs(below, full)


def _cli() -> str:
    intro = """\
# Command line

Text for people, `--json` for programs; it, `--home` and `--verbose` stand before the verb or behind it.
Errors go to stderr with a next step; see [exit codes](exit-codes.md).
"""
    parts = [intro, "## homeostat\n", f"{_arguments(build())}\n"]
    for name, parser in verbs():
        examples = (parser.epilog or "").removeprefix("examples:\n")
        said = _sentence(parser.description or "")
        parts.append(f"## homeostat {name}\n\n{said}\n\n{_arguments(parser)}\n\n```\n{examples}\n```\n")
    return "\n".join(parts)


def _sentence(text: str) -> str:
    whole = flat(text)
    return f"{whole[:1].upper()}{whole[1:]}."


def _arguments(parser: argparse.ArgumentParser) -> str:
    skipped = (argparse._SubParsersAction, argparse._HelpAction)  # noqa: SLF001 - the same
    actions = [a for a in parser._actions if not isinstance(a, skipped) and a.help != argparse.SUPPRESS]  # noqa: SLF001 - the same
    rows = [(f"`{' '.join(a.option_strings) or a.dest}`", _told(a)) for a in actions]
    return table(("argument", "meaning"), rows) if rows else "No arguments of its own."


def _told(action: argparse.Action) -> str:
    choices = f" One of {', '.join(f'`{c}`' for c in action.choices)}." if action.choices else ""
    said = action.help or {"number": "number of the pull request"}.get(action.dest, "")
    if not said:
        raise LookupError(f"the argument {action.dest!r} of {action.option_strings or 'a verb'} has no help")
    return f"{_sentence(said)}{' Required.' if action.required and action.option_strings else ''}{choices}"


def exit_codes() -> set[int]:
    """Those that errors carry, and the three of every command."""
    return {0, 2, 130, HomeostatError.exit_code} | {kind.exit_code for kind in HomeostatError.__subclasses__()}


def _exit_codes() -> str:
    rows = [(str(code), *EXIT_CODES[code]) for code in sorted(exit_codes())]
    return "# Exit codes\n\nThey are a promise.\n\n" + table(("code", "word", "meaning"), rows)


def _settings() -> str:
    intro = """\
# Settings

`HOME/settings.yaml` holds what is local to one machine. What decides about repairs is in the infra repository.
Every field has a default; an empty file is valid; an unknown key is refused.

"""
    return intro + settings_table(Settings.model_json_schema())


def _reasons() -> str:
    rows = [(f"`{reason.value}`", *MEANINGS[reason]) for reason in Reason]
    intro = "# Reasons\n\nEvery expected outcome carries one of these words. They are stable.\n\n"
    return intro + table(("reason", "meaning", "what to do"), rows)


def _records() -> str:
    rows = [(f"`{kind.value}`", RECORDS[kind]) for kind in RecordKind]
    intro = "# Records\n\nThe kinds of record in the log, for `homeostat audit log --kind`.\n\n"
    return intro + table(("kind", "what happened"), rows)


def metric_names() -> dict[str, str]:
    """Every metric of /metrics with its type, read from the two modules that write them."""
    from reconciler.bootstrap import web
    from reconciler.steps import meters

    return {name: kind for module in (meters, web) for name, kind in _METRIC.findall(inspect.getsource(module))}


def _metrics() -> str:
    rows = [(f"`{name}`", kind, METRICS[name]) for name, kind in metric_names().items()]
    intro = "# Metrics\n\n`/metrics` of a running installation, in Prometheus text format.\n\n"
    return intro + table(("metric", "type", "meaning"), rows)


def ports() -> Iterator[tuple[str, type]]:
    """Every Protocol of reconciler.ports."""
    for name in PORTS:
        module = _port_module(name)
        for _, found in inspect.getmembers(module, inspect.isclass):
            if found.__module__ == module.__name__ and Protocol in found.__bases__:
                yield name, found


def _port_module(name: str) -> ModuleType:
    import importlib

    return importlib.import_module(f"reconciler.ports.{name}")


def _ports() -> str:
    intro = """\
# Ports

What the loop needs from the world. The text is the contract; the conformance kits in `reconciler.testing` check it.
"""
    parts = [intro]
    for name, port in ports():
        methods = "\n".join(_method(key, value) for key, value in vars(port).items() if _public(key, value))
        parts.append(f"## {port.__name__}\n\n`reconciler.ports.{name}`. {flat(inspect.getdoc(port) or '')}.\n\n{methods}\n")
    return "\n".join(parts)


def _public(key: str, value: object) -> bool:
    return not key.startswith("_") and (inspect.isfunction(value) or isinstance(value, property))


def _method(name: str, value: Any) -> str:
    function = cast("Callable[..., object]", value.fget if isinstance(value, property) else value)
    signature = str(inspect.signature(function)).replace("(self, ", "(").replace("(self)", "()")
    said = flat(inspect.getdoc(function) or "")
    return f"* `{name}{_unquoted(signature)}`{f': {said}.' if said else ''}"


def _unquoted(signature: str) -> str:
    """Annotations are text at run time and come with quotes; a default that is empty text keeps its own."""
    return re.sub(r"(?<=[:>] )'([^']+)'", r"\1", signature)


def _plugins() -> str:
    rows = [(k, f"`{name}`", f"`{dotted.partition(':')[2]}`") for k, known in BUILT_IN.items() for name, dotted in known.items()]
    intro = """\
# Plug-ins

Built-ins are one explicit table. A third party registers an entry point in the group `homeostat.<kind>`; a built-in name
cannot be taken over. An adapter passes the conformance kit of its port in `reconciler.testing`.

"""
    return intro + table(("kind", "name", "class"), rows)


def _sensors() -> str:
    from reconciler.cli.sensors import TITLES, row
    from reconciler.signals.catalogue import shipped

    intro = """\
# Shipped sensors

What Homeostat knows of metrics by these names: unit, which way is bad, how often they are sampled, what silence means. The rules
raise no signal until a repository has a document of the same name in `sensors/`; `homeostat sensors NAME` prints one.

"""
    return intro + table(TITLES, (tuple(flat(cell) for cell in row(sensor)) for sensor in shipped().values()))


def _document(kind: str) -> str:
    return file_name(kind).replace(".schema.json", ".md")


def _documents() -> str:
    rows = [(f"[{kind}]({_document(kind)})", flat(str(published(kind)["description"])) + ".") for kind in KINDS]
    intro = """\
# Documents

All have `apiVersion: homeostat/v1`, a `kind`, `metadata.name` and a `spec`. Unknown keys, duplicate keys and aliases are
refused with file, line and column. The JSON Schemas are in `schemas/`.

"""
    return intro + table(("kind", "what it says"), rows)


if __name__ == "__main__":
    write(FOLDER)
