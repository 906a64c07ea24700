"""Git objects and refs of one bare repository (port `Repo`).

`libgit` opens handles and names damage; `trees` reads and writes trees; `commits` reads, writes and reverts commits;
`refs` moves refs under compare-and-swap; `pygit` puts them together as `PygitRepo`; `bare` makes a new repository.
Nothing is re-exported here: importing this package must not cost the import of libgit2.
"""
