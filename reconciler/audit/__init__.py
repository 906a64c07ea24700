"""The log: every arrow of the loop leaves a record here, and nothing that is here can be changed unseen.

In: records from the store's outbox. Out: a Merkle log on `refs/homeostat/log` whose leaves commit to signed in-toto
statements, a signed checkpoint over it, facts folded from it (`view`), and the proof that all of it holds (`verify`).

* `statements`, `leaves`: one record as statement, DSSE envelope and hashedrekord leaf.
* `merkle`, `tiles`, `notes`: RFC 6962 trees, C2SP tiles and checkpoints.
* `layout`, `state`: how the log lies in Git and how it is read back, each byte checked against the checkpoint.
* `log`: publishing and reading. `bundles`, `export`: Sigstore and C2SP forms. `verify`: the whole proof.
* `facts`, `view`: records that decisions depend on, and what is known from them. `redact`: no secret gets in.
* `remembered`: the last checkpoint seen, so that a rolled-back or forked log is refused.

Everything goes through the ports Repo, Signer and Verifier. Without a witness the log is tamper-evident to whoever
kept a checkpoint: nothing here claims more.
"""
