"""Keys and signatures: Ed25519 keys in OpenSSH files, one per role, and the checks that need only public keys.

* `keys` makes and reads key files, so that `ssh-keygen` and `git` work with the same files.
* `ed25519` signs and verifies: raw signatures for envelopes and checkpoints, SSH signatures for commits and reviews.

Private keys never leave `FileSigner`; a private key that others could have read is refused, not used with a warning.
"""

from reconciler.adapters.signing.ed25519 import Ed25519Verifier, FileSigner
from reconciler.adapters.signing.keys import ROLES, generate_key, generate_keys, load_public
from reconciler.model.keys import PublicKey, parse_public

__all__ = [
    "ROLES",
    "Ed25519Verifier",
    "FileSigner",
    "PublicKey",
    "generate_key",
    "generate_keys",
    "load_public",
    "parse_public",
]
