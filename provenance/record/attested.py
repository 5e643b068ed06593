"""What others attest about the log's tree heads: bodies of `anchor` and `witness` entries. Pure.

Nothing here validates or trusts: an entry says what a token or a cosignature says, and the verifier looks at those.
"""

from __future__ import annotations

from ..canonical import timestamp
from ..model import Instant, Json, SignedHead, Token
from .body import Body, body, subject


def anchor(
    *,
    session: str,
    at: Instant,
    checkpoint: SignedHead,
    token: str,
    said: Token,
    authority: str,
    url: str | None,
    requested: bool,
    signature_checked: bool = True,
) -> Body:
    """A time-stamp token over a checkpoint. `token` is the digest of the token's object, `said` what it says.
    signature_checked: False where its signature is of a kind that this software does not check.

    The subjects are the checkpoint's note, which the token was made for, and the token.
    """
    members = {
        "checkpoint": _head(checkpoint),
        "token": token,
        "authority": {"name": authority, "url": url},
        "signer": said.signer,
        "policy": said.policy,
        "serial": said.serial,
        "gen_time": timestamp(said.gen_time_ns),
        "accuracy_us": said.accuracy_us,
        "nonce": said.nonce,
        "imprint": {"algorithm": said.algorithm, "digest": said.imprint},
        "source": "requested" if requested else "imported",
        **({} if signature_checked else {"signature": "unchecked"}),
    }
    named = [subject(f"checkpoint:{checkpoint.size}", checkpoint.object), subject("token", token)]
    return body(named, session, at, members)


def witness(
    *,
    session: str,
    at: Instant,
    checkpoint: SignedHead,
    name: str,
    public_key: str,
    cosigned_s: int,
    label: str | None = None,
) -> Body:
    """Somebody else's cosignature. `checkpoint` is the note with it, `cosigned_s` the cosigner's clock in seconds since
    the Unix epoch, `label` whose key it is as the author says. The subject is the note."""
    members = {
        "checkpoint": _head(checkpoint),
        "witness": {"name": name, "public_key": public_key, "label": label},
        "cosigned_at": timestamp(cosigned_s * 1_000_000_000),
    }
    return body([subject(f"checkpoint:{checkpoint.size}", checkpoint.object)], session, at, members)


def _head(head: SignedHead) -> dict[str, Json]:
    return {"object": head.object, "size": head.size, "root": head.root}
