"""Changes: from two decisions to the one commit that lands.

In: a proposal with the bytes of its files, and later both judges' decisions. Out: a signed commit on its base, the words
of its pull request, and the verdict that composes the decisions. `building` makes and rebuilds the commit, `narrative` and
`markdown` say what it is, `diffs` shows it, `reviews` says which bytes a review's signature covers, `verdict` composes.

Pure over its ports: it writes objects and moves no ref. Landing is the forge's, and lands nothing but the judged head.
"""
