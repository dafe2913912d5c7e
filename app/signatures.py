"""Signatures in base64."""

from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.exc import BadData


def canonical(signed: str) -> bool:
    """Whether the signature behind the last dot is spelt in the one right way.

    The last character of base64 may have bits that mean nothing; with those changed, decoders
    still read the same signature, so something that was tampered with would verify.
    """
    signature = signed.rpartition(".")[2]
    try:
        return base64_encode(base64_decode(signature)).decode() == signature
    except (BadData, ValueError):
        return False
