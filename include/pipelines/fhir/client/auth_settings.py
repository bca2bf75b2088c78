"""How a FHIR server wants to be asked: nothing, a login, a bearer token, or SMART Backend Services."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

MIN_RSA_BITS = 2048

STRICT = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)
"""A fault must not show the value: it may be a secret."""


class NoAuth(BaseModel):
    """The server asks for nothing."""

    model_config = STRICT
    kind: Literal["none"] = "none"


class BasicAuth(BaseModel):
    """Login and password with every request (RFC 7617)."""

    model_config = STRICT
    kind: Literal["basic"] = "basic"
    username: str = Field(min_length=1, pattern=r"^[^:\x00-\x1f]+$")
    """Without a colon, which would end it."""
    password: SecretStr


class BearerAuth(BaseModel):
    """One token that does not change (RFC 6750)."""

    model_config = STRICT
    kind: Literal["bearer"] = "bearer"
    token: SecretStr

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr) -> SecretStr:
        text = token.get_secret_value()
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("the token must be printable ASCII without blanks")
        return token


class SmartBackendAuth(BaseModel):
    """A signed assertion buys a token of some minutes (SMART App Launch 2, Backend Services)."""

    model_config = STRICT
    kind: Literal["smart"] = "smart"
    client_id: str = Field(min_length=1)
    """As registered at the server."""
    private_key: SecretStr
    """PEM without a password: RSA of at least 2,048 bits for RS384, P-384 for ES384."""
    algorithm: Literal["RS384", "ES384"] = "RS384"
    key_id: str | None = Field(default=None, min_length=1)
    """`kid` of the public key in the registered key set."""
    token_url: str | None = Field(default=None, pattern=r"^https?://")
    """Empty: read from the server's `.well-known/smart-configuration`."""
    scope: str = Field(default="system/*.read", min_length=1)
    """Scopes to ask for, separated by blanks."""

    @model_validator(mode="after")
    def _key_fits_the_algorithm(self) -> Self:
        try:
            key = load_pem_private_key(self.private_key.get_secret_value().encode(), password=None)
        except (ValueError, TypeError):
            key = None
        if key is None:
            raise ValueError("private_key is no PEM private key without a password")
        if self.algorithm == "RS384":
            fits = isinstance(key, rsa.RSAPrivateKey) and key.key_size >= MIN_RSA_BITS
        else:
            fits = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP384R1)
        if not fits:
            wanted = f"an RSA key of at least {MIN_RSA_BITS} bits" if self.algorithm == "RS384" else "a P-384 key"
            raise ValueError(f"private_key does not fit {self.algorithm}: that needs {wanted}")
        return self


AuthSettings = Annotated[NoAuth | BasicAuth | BearerAuth | SmartBackendAuth, Field(discriminator="kind")]
