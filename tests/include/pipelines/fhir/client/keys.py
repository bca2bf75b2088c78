"""Key pairs as a SMART client and its server hold them."""

from __future__ import annotations

import json
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

Kind = Literal["RS384", "ES384", "ES256"]


def key_pair(kind: Kind, key_id: str) -> tuple[str, dict[str, Any]]:
    """A private key as PEM, and the public one as a JWK."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if kind == "RS384":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        jwk = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    else:
        key = ec.generate_private_key(ec.SECP384R1() if kind == "ES384" else ec.SECP256R1())
        jwk = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return pem, {**jwk, "kid": key_id, "alg": kind, "use": "sig"}
