"""Time-stamp tokens (RFC 3161) over checkpoints: the request, what a token says, and whether it may be believed.

Pure apart from the request's nonce. `check` does what can be done without trusting anybody; whether the authority is
one that the verifier trusts, `rfc3161-client` decides from roots that the verifier chose. Both look at certificates
as of the token's own time: an authority's certificate expires, what it signed before stays good.

A signature by SM2, or over SM3, is not checked: all the rest is, and the token proves nothing here
(`Trust.SIGNATURE_UNCHECKED`). Not checked: revocation, which needs the network, and whether an authority's clock was
right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, VerificationError, VerifierBuilder
from rfc3161_client import decode_timestamp_response as decode

from ..errors import InputError, IntegrityError, NetworkError
from ..model import Token
from . import cms, der

LARGEST_TOKEN = 256 * 1024
ASSUMED_ACCURACY_US = 1_000_000
NOT_CHECKED = "its signature is by SM2 or over SM3, which is not checked here; openssl can"

_GRANTED = (0, 1)  # RFC 3161 section 2.4.2: granted, grantedWithMods
_STATUS = {2: "rejection", 3: "waiting", 4: "revocation warning", 5: "revocation notification"}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SECOND = 1_000_000_000
_END_NS = int(datetime(9999, 12, 31, tzinfo=timezone.utc).timestamp()) * _SECOND  # no calendar here goes on
_NO_USAGE = (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError)


class Trust(str, Enum):
    """What a check of the authority came to. Only `TRUSTED` is a statement about time by somebody you trust."""

    TRUSTED = "trusted"
    UNCHECKED = "unchecked"  # no roots were given
    REFUSED = "refused"  # its certificates lead to none of the roots given
    SIGNATURE_UNCHECKED = "signature-unchecked"  # a kind of signature that is not checked here: anybody's word


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent to an authority: DER bytes that hold a digest and a nonce (hexadecimal), nothing else."""

    der: bytes
    nonce: str


@dataclass(frozen=True, slots=True)
class Roots:
    """Certificates that a verifier trusts, and others that may help to reach them."""

    roots: tuple[x509.Certificate, ...]
    others: tuple[x509.Certificate, ...] = field(default=())

    def __add__(self, more: Roots) -> Roots:
        return Roots(_unique(self.roots + more.roots), _unique(self.others + more.others))


@dataclass(frozen=True, slots=True)
class Checked:
    """A token that is sound in itself. reason: why it is neither trusted nor unchecked, in one line."""

    said: Token
    trust: Trust
    reason: str | None = None


def request(note: bytes) -> Request:
    """Ask for a token over these bytes: SHA-256, a fresh random nonce of 64 bits, and the certificates wanted."""
    built = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256).nonce().cert_request(
        cert_request=True
    )  # fmt: skip
    asked = built.build().as_bytes()
    _, _, nonce, _ = der.parts(der.read(asked), der.SEQUENCE)  # version, imprint, nonce, whether to send certificates
    return Request(asked, f"{der.integer(nonce):x}")


def token_of(data: bytes) -> bytes:
    """The TimeStampToken inside a response, exactly as it stands there; a bare token is given back as it is.

    Raises NetworkError when the authority refused, IntegrityError for anything that is neither. Not checked: the
    token.
    """
    if len(data) > LARGEST_TOKEN:
        raise IntegrityError(f"a time-stamp token of {len(data)} bytes is larger than {LARGEST_TOKEN}")
    try:
        whole = der.read(data)
        inner = der.parts(whole, der.SEQUENCE)
    except IntegrityError as error:
        raise IntegrityError(f"not a time-stamp token: {error}") from error
    if inner and inner[0].tag == der.OID:
        return whole.raw
    if not inner:
        raise IntegrityError("a time-stamp response is empty")
    status = der.parts(inner[0], der.SEQUENCE)
    code = der.integer(status[0]) if status else -1
    if code not in _GRANTED:
        words = b" ".join(text.body for text in der.parts(status[1])) if len(status) > 1 else b""
        said = " ".join(words.decode("utf-8", "replace").split())[:200]
        raise NetworkError(f"the authority refused: {_STATUS.get(code, f'status {code}')}{': ' if said else ''}{said}")
    if len(inner) != 2:
        raise IntegrityError("a time-stamp response grants a token but holds none")
    return inner[1].raw


def read(token: bytes) -> Token:
    """What a token says, WITHOUT checking who signed it. Raises IntegrityError for what is no token, or is over a hash
    that is not known here."""
    return _read(cms.signed_data(token, cms.TST_INFO))


def certificates(token: bytes) -> bytes:
    """The certificates that a token brings along, as PEM: they may help to reach a root, and are none themselves.
    Raises IntegrityError."""
    found = cms.signed_data(token, cms.TST_INFO).certificates
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in found)


@dataclass(frozen=True, slots=True)
class ByHand:
    """What it takes to check a token's signature by hand.

    places: where its pieces lie in it, as (first byte, size): `content` (TSTInfo), `attributes` (what is signed, once
    its first byte is the tag of a SET), `signature`, `signer` (certificate). digest: by which the attributes name the
    content.
    """

    places: Mapping[str, tuple[int, int]]
    digest: str
    is_sm2: bool


def by_hand(token: bytes) -> ByHand:
    """Take a token apart for others. Raises IntegrityError for one that `check` refuses as malformed."""
    signed = cms.signed_data(token, cms.TST_INFO)
    signer = cms.check_content(signed).public_bytes(Encoding.DER)
    pieces = {
        "content": signed.content,
        "attributes": signed.attributes.raw,
        "signature": signed.signature,
        "signer": signer,
    }
    places = {name: (token.rindex(piece), len(piece)) for name, piece in pieces.items()}
    return ByHand(places, cms.HASH_NAMES[signed.digest_algorithm], cms.is_sm2(signed))


def check(token: bytes, note: bytes, roots: Roots | None = None) -> Checked:
    """Check a token over a note, and its authority against the roots that the verifier chose.

    Raises IntegrityError unless: the imprint is the note's; the one signer's certificate is in the token, was valid
    at the token's time and is for time-stamping and nothing else (critical EKU, RFC 3161 section 2.3); the token
    names that certificate by digest (RFC 5816); its signature is that certificate's. Without roots that is all, and
    anybody can make such a token. With roots, a chain valid at the token's time must lead to one of them. Where the
    signature is of a kind that is not checked here, it is left out and so are the roots.
    """
    signed = cms.signed_data(token, cms.TST_INFO)
    said = _read(signed)
    if not is_over(said, note):
        raise IntegrityError("the token was made for other bytes than this checkpoint")
    signer = cms.check_content(signed)
    _check_signer(signer, _moment(said))
    if not cms.can_check(signed):
        return Checked(said, Trust.SIGNATURE_UNCHECKED, NOT_CHECKED)
    cms.check_signature(signed, signer)
    if roots is None:
        return Checked(said, Trust.UNCHECKED)
    refusal = _refusal(token, bytes.fromhex(said.imprint), roots)
    return Checked(said, Trust.TRUSTED if refusal is None else Trust.REFUSED, refusal)


def check_answer(token: bytes, note: bytes, asked: Request, roots: Roots | None = None) -> Checked:
    """The same for a token that was just asked for: it must carry the request's nonce, and a signature that is checked
    here."""
    checked = check(token, note, roots)
    if checked.trust is Trust.SIGNATURE_UNCHECKED:
        raise IntegrityError(f"the token is not taken as an answer: {checked.reason}")
    if checked.said.nonce != asked.nonce:
        raise IntegrityError("the token carries another nonce than the request: it is not an answer to it")
    return checked


def is_over(said: Token, note: bytes) -> bool:
    """Whether the imprint that a token states is of these bytes."""
    return cms.digest(said.algorithm, note).hex() == said.imprint


def earliest_ns(gen_time_ns: int, accuracy_us: int | None) -> int:
    """The earliest moment at which a token can have been made. An accuracy that is not stated counts as 1 s."""
    return gen_time_ns - _accuracy_ns(accuracy_us)


def latest_ns(gen_time_ns: int, accuracy_us: int | None) -> int:
    """The latest such moment. A time without a fraction may have been cut down to whole seconds."""
    cut = 0 if gen_time_ns % _SECOND else _SECOND
    return gen_time_ns + _accuracy_ns(accuracy_us) + cut


def read_roots(pem: bytes) -> Roots:
    """Certificates out of PEM text: those that sign themselves are roots. Raises InputError when there is none."""
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise InputError("not certificates in PEM") from error
    roots = tuple(each for each in found if each.subject == each.issuer)
    if not roots:
        raise InputError("none of the certificates is a root: each was issued by another")
    return Roots(_unique(roots), _unique(tuple(each for each in found if each.subject != each.issuer)))


def _read(signed: cms.SignedData) -> Token:
    version, policy, imprint, serial, gen_time, *rest = _at_least(der.parts(der.read(signed.content), der.SEQUENCE), 5)
    if der.integer(version) != 1:
        raise IntegrityError("the token is of a version that is not known")
    algorithm, digest, *more = _at_least(der.parts(imprint, der.SEQUENCE), 2)
    name = cms.HASH_NAMES.get(der.oid(_at_least(der.parts(algorithm, der.SEQUENCE), 1)[0]))
    if more or name is None or len(digest.body) != len(cms.digest(name, b"")):
        raise IntegrityError("the token's imprint is not a SHA-256, SHA-384, SHA-512 or SM3")
    optional = {node.tag: node for node in rest}
    nonce = optional.get(der.INTEGER)
    accuracy = optional.get(der.SEQUENCE)
    gen_time_ns, accuracy_us = _time_ns(gen_time), None if accuracy is None else _accuracy(accuracy)
    if earliest_ns(gen_time_ns, accuracy_us) < 0 or latest_ns(gen_time_ns, accuracy_us) >= _END_NS:
        raise IntegrityError("the token's time, give or take its accuracy, is before 1970 or after 9999")
    return Token(
        policy=der.oid(policy),
        serial=f"{abs(der.integer(serial)):x}",
        gen_time_ns=gen_time_ns,
        accuracy_us=accuracy_us,
        nonce=None if nonce is None else f"{abs(der.integer(nonce)):x}",
        algorithm=name,
        imprint=digest.body.hex(),
        signer=None if signed.signer is None else signed.signer.subject.rfc4514_string(),
    )


def _time_ns(node: der.Node) -> int:
    """GeneralizedTime as RFC 3161 section 2.4.2 restricts it: UTC, seconds always, a fraction at will, of which
    microseconds are kept."""
    text = node.body.decode("ascii", "replace")
    whole, point, fraction = text.removesuffix("Z").partition(".")
    if node.tag != der.GENERALIZED_TIME or not text.endswith("Z") or len(whole) != 14 or not whole.isdigit():
        raise IntegrityError("the token's time is malformed")
    if point and not (fraction.isdigit() and len(fraction) <= 9):
        raise IntegrityError("the token's time is malformed")
    try:
        moment = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
    except ValueError as error:
        raise IntegrityError("the token's time is no date") from error
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return seconds * _SECOND + int(fraction[:6].ljust(6, "0")) * 1_000


def _accuracy(node: der.Node) -> int:
    """Microseconds. RFC 3161: seconds, then millis [0] and micros [1], each 1 to 999."""
    microseconds = 0
    for part in der.parts(node):
        scale = {der.INTEGER: 1_000_000, 0x80: 1_000, 0x81: 1}.get(part.tag)
        value = int.from_bytes(part.body, "big", signed=True)
        if scale is None or value < 0:
            raise IntegrityError("the token's accuracy is malformed")
        microseconds += value * scale
    return microseconds


def _check_signer(signer: x509.Certificate, moment: datetime) -> None:
    try:
        usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except _NO_USAGE as error:
        raise IntegrityError("the token's signer is not certified for time-stamping") from error
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise IntegrityError("the token's signer is not certified for time-stamping alone (a critical EKU)")
    if not signer.not_valid_before_utc <= moment <= signer.not_valid_after_utc:
        raise IntegrityError("the signer's certificate was not valid at the token's time")


def _refusal(token: bytes, digest: bytes, roots: Roots) -> str | None:
    """Why the authority is not trusted; None when it is. Nothing that the token brings along becomes a root: the
    certificates in it, which may stand in any order, are sorted as DER wants them and only ever help to build the
    chain."""
    response = der.write(der.SEQUENCE, [b"\x30\x03\x02\x01\x00", cms.with_sorted_certificates(token)])
    verifier = VerifierBuilder(roots=list(roots.roots), intermediates=list(roots.others)).build()
    try:
        verifier.verify(decode(response), digest)
    except (VerificationError, ValueError) as error:
        return " ".join(str(error).split())[:200]
    return None


def _moment(said: Token) -> datetime:
    return _EPOCH + timedelta(microseconds=said.gen_time_ns // 1_000)


def _accuracy_ns(accuracy_us: int | None) -> int:
    return (ASSUMED_ACCURACY_US if accuracy_us is None else accuracy_us) * 1_000


def _at_least(found: list[der.Node], count: int) -> list[der.Node]:
    if len(found) < count:
        raise IntegrityError("the token lacks a part")
    return found


def _unique(found: tuple[x509.Certificate, ...]) -> tuple[x509.Certificate, ...]:
    return tuple(dict.fromkeys(found))
