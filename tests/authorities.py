"""Time-stamping authorities of our own: real certificates, `openssl ts` behind a small HTTP server, and forgers.

`Authority` answers as its `mode` says. `Pki.forge` makes tokens that no honest authority would, signed with real keys
by `openssl cms`. Tests that need either skip where there is no OpenSSL 3.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import ipaddress
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

UTC = datetime.timezone.utc
DAY = datetime.timedelta(days=1)
TST_INFO = "1.2.840.113549.1.9.16.1.4"
POLICY = "1.2.3.4.1"


@functools.cache
def has_openssl() -> bool:
    found = shutil.which("openssl")
    if found is None:
        return False
    said = subprocess.run([found, "version"], capture_output=True, text=True, check=False).stdout
    return said.startswith("OpenSSL 3")


needs_openssl = pytest.mark.skipif(not has_openssl(), reason="no OpenSSL 3 to run an authority with")


def openssl(*arguments: object, stdin: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@dataclass(frozen=True)
class Signer:
    """A certificate for time-stamping and its key, as files that openssl reads."""

    certificate: Path
    key: Path


@dataclass
class Pki:
    """A root and the signers that it certified, in a folder of their own."""

    folder: Path
    name: str = "Test Root"
    made: int = 0
    _root: Any = field(init=False)
    _key: Any = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(UTC)
        subject = _name(self.name)
        self._root = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 4000 * DAY)
            .not_valid_after(now + 4000 * DAY)
            .add_extension(x509.BasicConstraints(True, None), critical=True)
            .add_extension(_key_usage(sign=False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.root.write_bytes(self._root.public_bytes(Encoding.PEM))

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"

    def signer(
        self,
        *,
        usage: tuple[Any, ...] | None = None,
        critical: bool = True,
        since: int = -30,
        until: int = 365,
        address: str | None = None,
    ) -> Signer:
        """A signer's certificate. usage: extended key usages, time-stamping alone if not given; since and until: days
        from now; address: of a server."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(UTC)
        self.made += 1
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(f"Test TSA {self.made}"))
            .issuer_name(self._root.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + since * DAY)
            .not_valid_after(now + until * DAY)
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(_key_usage(sign=True), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        usages = (ExtendedKeyUsageOID.TIME_STAMPING,) if usage is None else usage
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=critical)
        if address is not None:
            names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        stem = self.folder / f"tsa{self.made}"
        paths = Signer(stem.with_suffix(".pem"), stem.with_suffix(".key"))
        paths.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        paths.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return paths

    def forge(
        self,
        digest: bytes,
        *,
        at: datetime.datetime | bytes | None = None,
        signer: Signer | None = None,
        nonce: int | None = None,
        accuracy_s: int | None = 1,
        embed: tuple[Path, ...] = (),
    ) -> bytes:
        """A token over a SHA-256 digest with any time and signer. embed: more certificates to put inside."""
        made = self.signer() if signer is None else signer
        info = tst_info(digest, at or datetime.datetime.now(UTC), nonce=nonce, accuracy_s=accuracy_s)
        more = self.folder / "more.pem"
        more.write_bytes(b"".join(path.read_bytes() for path in embed))
        extra = ["-certfile", more] if embed else []
        return openssl(
            "cms", "-sign", "-cades", "-binary", "-nodetach", "-nosmimecap", "-md", "sha256", "-outform", "DER",
            "-econtent_type", TST_INFO, "-signer", made.certificate, "-inkey", made.key, *extra,
            stdin=info,
        )  # fmt: skip


def tst_info(digest: bytes, at: datetime.datetime | bytes, *, nonce: int | None, accuracy_s: int | None) -> bytes:
    """TSTInfo (RFC 3161 section 2.4.2) in DER; a time in bytes is written as it is."""
    sha256 = tlv(0x30, bytes.fromhex("0609608648016503040201") + b"\x05\x00")
    imprint = tlv(0x30, sha256 + tlv(0x04, digest))
    parts = [b"\x02\x01\x01", bytes.fromhex("06042a030401"), imprint, b"\x02\x02\x12\x34"]
    text = at if isinstance(at, bytes) else at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode()
    parts.append(tlv(0x18, text))
    if accuracy_s is not None:
        parts.append(tlv(0x30, bytes((0x02, 0x01, accuracy_s))))
    if nonce is not None:
        parts.append(tlv(0x02, nonce.to_bytes(nonce.bit_length() // 8 + 1, "big")))
    return tlv(0x30, b"".join(parts))


class Authority:
    """An HTTP time-stamping authority on loopback, running from `with` to the end of it.

    mode: `good`; `slow` (waits `delay_s`); `drip` (sends a byte now and then, without end), `drip-head` (its headers in
    that way); `broken` (HTTP 500); `rejecting` (RFC 3161 status 2); `garbage`; `wrong-nonce`; `wrong-imprint`;
    `redirect` (to `elsewhere`). tls: a certificate to speak HTTPS with.
    A `down` one is made by leaving the `with`. `asked` counts requests, `answered` those that got one of ours back;
    `bodies` keeps what came in.
    """

    def __init__(
        self, pki: Pki, signer: Signer | None = None, *, chain: tuple[Path, ...] = (), tls: Signer | None = None
    ) -> None:
        self.pki = pki
        self.signer = signer or pki.signer()
        self.mode = "good"
        self.delay_s = 30.0
        self.elsewhere = ""
        self.answered = 0
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self._chain = chain
        self._lock = threading.Lock()
        self._released = threading.Event()
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                authority._answer(self, self.rfile.read(length))

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.certificate, tls.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self._server.server_address[1]}/tsr"
        self._config = self._write_config()

    @property
    def asked(self) -> int:
        return len(self.bodies)

    def __enter__(self) -> Authority:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Be down from now on."""
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def reply(self, query: bytes) -> bytes:
        """A signed response to a query in DER."""
        with self._lock:  # the serial number is a file
            path = self.pki.folder / f"query{id(self)}.tsq"
            path.write_bytes(query)
            return openssl("ts", "-reply", "-config", self._config, "-queryfile", path)

    def token(self, data: bytes) -> bytes:
        """A bare token over some bytes, made elsewhere: no nonce."""
        path = self.pki.folder / f"data{id(self)}"
        path.write_bytes(data)
        query = openssl("ts", "-query", "-data", path, "-sha256", "-cert", "-no_nonce")
        with self._lock:
            path.write_bytes(query)
            return openssl("ts", "-reply", "-config", self._config, "-queryfile", path, "-token_out")

    def _answer(self, handler: BaseHTTPRequestHandler, query: bytes) -> None:
        self.bodies.append(query)
        self.headers.append(dict(handler.headers))
        status, body = 200, b""
        match self.mode:
            case "slow":
                self._released.wait(self.delay_s)
            case "drip" | "drip-head":
                return self._drip(handler)
            case "broken":
                status = 500
            case "rejecting":
                body = bytes.fromhex("301730150201023010") + tlv(0x0C, b"not this month")
            case "garbage":
                body = b"<html>login to the hotel's network</html>"
            case "redirect":
                handler.send_response(302)
                handler.send_header("Location", self.elsewhere)
                handler.end_headers()
                return
        if status == 200 and not body:
            changed = query
            if self.mode in ("wrong-nonce", "wrong-imprint"):
                changed = _other(query, self.mode)
            body = self.reply(changed)
        self.answered += 1
        with contextlib.suppress(OSError):
            handler.send_response(status)
            handler.send_header("Content-Type", "application/timestamp-reply")
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

    def _drip(self, handler: BaseHTTPRequestHandler) -> None:
        with contextlib.suppress(OSError):
            handler.send_response(200)
            if self.mode == "drip":
                handler.end_headers()
            else:
                handler.flush_headers()
                handler.wfile.write(b"X-Long: ")
            while not self._released.wait(0.05):
                handler.wfile.write(b"\x30")

    def _write_config(self) -> Path:
        folder = self.pki.folder
        serial, config, chain = (folder / f"{name}{id(self)}" for name in ("serial", "config", "chain"))
        serial.write_text("01\n")
        chain.write_bytes(b"".join(path.read_bytes() for path in self._chain))
        lines = [
            "[tsa]",
            "default_tsa = own",
            "[own]",
            f"serial = {serial}",
            f"signer_cert = {self.signer.certificate}",
            f"signer_key = {self.signer.key}",
            "signer_digest = sha256",
            f"default_policy = {POLICY}",
            "digests = sha256, sha384, sha512",
            "accuracy = secs:1",
            "tsa_name = yes",
            "ess_cert_id_alg = sha256",
        ]
        config.write_text("\n".join([*lines, f"certs = {chain}" if self._chain else "", ""]))
        return config


def _other(query: bytes, what: str) -> bytes:
    """The query with its last bytes (the nonce, unless `cert` follows) or its digest changed."""
    changed = bytearray(query)
    at = query.index(bytes.fromhex("0420")) + 5 if what == "wrong-imprint" else query.rindex(b"\x01\x01\xff") - 2
    changed[at] ^= 1
    return bytes(changed)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _key_usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not sign,
        crl_sign=not sign,
        encipher_only=False,
        decipher_only=False,
    )


def tlv(tag: int, body: bytes) -> bytes:
    size = len(body)
    length = (
        bytes((size,)) if size < 0x80 else bytes((0x81, size)) if size < 0x100 else b"\x82" + size.to_bytes(2, "big")
    )
    return bytes((tag,)) + length + body


@contextlib.contextmanager
def authority(folder: Path, name: str = "Test Root") -> Iterator[Authority]:
    """A good authority with a root of its own."""
    with Authority(Pki(folder, name)) as running:
        yield running
