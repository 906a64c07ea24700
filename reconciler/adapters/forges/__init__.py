"""Forges (port `Forge`): where pull requests live and land.

`embedded` keeps them in refs of the bare repository; `hook` is the program that checks people's pushes to it.
Nothing is re-exported here: the hook must start fast.
"""
