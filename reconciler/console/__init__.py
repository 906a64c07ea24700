"""The operator's page: server-rendered, without scripting, one small router that bootstrap includes.

`make_router(Deps(...))` is the entrance. `gate` proves every request before a view sees it (host, origin, size, session,
form token); `views` read, `actions` call the same commands as the CLI; `timeline` and `overview` turn records and facts
into what a template shows. Nothing here decides about a repair, and everything shown is inert text.
Nothing is re-exported here: the CLI tells records in the words of `timeline` and must not pay for a web framework.
"""
