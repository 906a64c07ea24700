"""The composition root: the only place that knows every adapter and puts them together.

`create` makes a home folder, `system` opens one as a World, `run` keeps one running, `web` serves its pages.
"""
