"""Time-stamp tokens by SM2 over SM3, as some authorities in China give: keys and signatures are openssl's."""

from __future__ import annotations

import datetime
import functools
import hashlib
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from .authorities import UTC, has_openssl, openssl, tlv

SM3_OID = "06082a811ccf55018311"
SM2_WITH_SM3 = "06082a811ccf55018375"
SM2_ID = "distid:1234567812345678"  # what signers without an identity of their own sign with, GB/T 35275


@functools.cache
def has_sm2() -> bool:
    if not has_openssl():
        return False
    made = subprocess.run(["openssl", "genpkey", "-algorithm", "SM2"], capture_output=True, check=False)
    hashed = subprocess.run(["openssl", "dgst", "-sm3"], input=b"", capture_output=True, check=False)
    return made.returncode == hashed.returncode == 0


needs_sm2 = pytest.mark.skipif(not has_sm2(), reason="this OpenSSL has no SM2 and SM3")


class Sm2Authority:
    """Makes tokens with an SM2 key over SM3, under a root of that kind. openssl makes keys, certificates, digests and
    signatures; its `ts` and `cms` sign with other keys only, so the token is put together here."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.root = folder / "root.pem"
        config = folder / "config"
        config.write_text(
            "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=SM2 Test Root\n"
            "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n"
            "[tsa]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
            "extendedKeyUsage=critical,timeStamping\nauthorityKeyIdentifier=keyid\n"
        )
        for name in ("root", "tsa"):
            openssl("genpkey", "-algorithm", "SM2", "-out", folder / f"{name}.key")
        common = ("-sm3", "-config", config)
        openssl("req", "-x509", "-new", "-key", folder / "root.key", *common, "-extensions", "ca", "-out", self.root)
        request = openssl("req", "-new", "-key", folder / "tsa.key", *common, "-subj", "/CN=SM2 TSA")
        openssl(
            "x509", "-req", "-CA", self.root, "-CAkey", folder / "root.key", "-sm3", "-set_serial", "77",
            "-extfile", config, "-extensions", "tsa", "-days", "300", "-out", folder / "tsa.pem", stdin=request,
        )  # fmt: skip
        self.certificate = x509.load_pem_x509_certificate((folder / "tsa.pem").read_bytes())

    def token(self, data: bytes, at: datetime.datetime | None = None) -> bytes:
        """A bare token over some bytes."""
        sm3 = tlv(0x30, bytes.fromhex(SM3_OID) + b"\x05\x00")
        imprint = tlv(0x30, sm3 + tlv(0x04, _sm3(data)))
        text = (at or datetime.datetime.now(UTC)).strftime("%Y%m%d%H%M%SZ").encode()
        policy = bytes.fromhex("06042a030401")
        info = tlv(0x30, b"\x02\x01\x01" + policy + imprint + b"\x02\x02\x12\x34" + tlv(0x18, text))
        encoded = self.certificate.public_bytes(Encoding.DER)
        content_type = bytes.fromhex("060b2a864886f70d0109100104")
        named = tlv(0x30, tlv(0x30, tlv(0x30, tlv(0x04, hashlib.sha256(encoded).digest()))))
        attributes = b"".join(
            tlv(0x30, bytes.fromhex(oid) + tlv(0x31, value))
            for oid, value in (
                ("06092a864886f70d010903", content_type),
                ("06092a864886f70d010904", tlv(0x04, _sm3(info))),
                ("060b2a864886f70d010910022f", named),
            )
        )
        to_sign = self.folder / "to_sign"
        to_sign.write_bytes(tlv(0x31, attributes))
        signature = openssl(
            "pkeyutl", "-sign", "-rawin", "-digest", "sm3", "-pkeyopt", SM2_ID, "-inkey", self.folder / "tsa.key",
            "-in", to_sign,
        )  # fmt: skip
        who = tlv(0x30, self.certificate.issuer.public_bytes() + b"\x02\x01\x4d")
        signing = tlv(0x30, bytes.fromhex(SM2_WITH_SM3))
        signer = tlv(0x30, b"\x02\x01\x01" + who + sm3 + tlv(0xA0, attributes) + signing + tlv(0x04, signature))
        content = tlv(0x30, content_type + tlv(0xA0, tlv(0x04, info)))
        parts = (b"\x02\x01\x03", tlv(0x31, sm3), content, tlv(0xA0, encoded), tlv(0x31, signer))
        return tlv(0x30, bytes.fromhex("06092a864886f70d010702") + tlv(0xA0, tlv(0x30, b"".join(parts))))


def _sm3(data: bytes) -> bytes:
    return openssl("dgst", "-sm3", "-binary", stdin=data)
