"""Small ONNX graphs that join the steps of the sampler on a device.

Written by ``python -m export.step_graphs``, where they can be read; a test compares them.
"""

from __future__ import annotations

import base64


def _unpacked(text: str) -> bytes:
    return base64.b64decode(text)


GUIDE = _unpacked(
    "CAk61gIKQwoGeF9uZXh0Egh3aXRoX2FsbBIHd2l0aG91dCIFU3BsaXQqCwoEYXhpcxgAoAECKhIKC251bV9vdXRwdXRzGAKgAQIKIQoId2l0aF"
    "9hbGwKB3dpdGhvdXQSB3Rvd2FyZHMiA1N1YgogCghndWlkYW5jZQoHdG93YXJkcxIGcHVzaGVkIgNNdWwKHAoHd2l0aG91dAoGcHVzaGVkEgRo"
    "YWxmIgNBZGQKJAoEaGFsZgoEaGFsZhIBeCIGQ29uY2F0KgsKBGF4aXMYAKABAhIFZ3VpZGVaNwoGeF9uZXh0Ei0KKwgBEicKBhIEcm93cwoHEg"
    "VzbG90cwoKEghjaGFubmVscwoIEgZmcmFtZXNaEgoIZ3VpZGFuY2USBgoECAESAGIyCgF4Ei0KKwgBEicKBhIEcm93cwoHEgVzbG90cwoKEghj"
    "aGFubmVscwoIEgZmcmFtZXNCBAoAEBI="
)
FINISH = _unpacked(
    "CAk67wUKLgoFc3RhcnQSBHJvd3MiBVNoYXBlKgoKA2VuZBgBoAECKgwKBXN0YXJ0GACgAQIKIwoBeAoEemVybwoEcm93cwoEemVybxIFZmlyc3"
    "QiBVNsaWNlCiMKBWtub3duCgN0d28SCmtub3duX2hlcmUiCVVuc3F1ZWV6ZQoqCgprbm93bl9oZXJlCgVzdGFydAoFZmlyc3QSB2xhdGVudHMi"
    "BVdoZXJlCi0KB2xhdGVudHMKBXNsb3RzEgZjaG9zZW4iBkdhdGhlcioLCgRheGlzGAGgAQIKLwoGY2hvc2VuEgdieV9zbG90IglUcmFuc3Bvc2"
    "UqEQoEcGVybUABQABAAkADoAEHCjEKB2xhdGVudHMSBXNpemVzIgVTaGFwZSoKCgNlbmQYBKABAioMCgVzdGFydBgCoAECCigKBHJlc3QKBXNp"
    "emVzEgRmbGF0IgZDb25jYXQqCwoEYXhpcxgAoAECCiAKB2J5X3Nsb3QKBGZsYXQSBnRyYWNrcyIHUmVzaGFwZRIGZmluaXNoKg0IARAHOgEAQg"
    "R6ZXJvKgwIARAHOgECQgN0d28qFggBEAc6Cv///////////wFCBHJlc3RaNwoBeBIyCjAIARIsCgsSCXJvd3Nfb2ZfeAoHEgVzbG90cwoKEghj"
    "aGFubmVscwoIEgZmcmFtZXNaNwoFc3RhcnQSLgosCAESKAoHEgViYXRjaAoHEgVzbG90cwoKEghjaGFubmVscwoIEgZmcmFtZXNaKwoFa25vd2"
    "4SIgogCAkSHAoHEgViYXRjaAoHEgVzbG90cwoIEgZmcmFtZXNaHwoFc2xvdHMSFgoUCAcSEAoOEgxjaG9zZW5fc2xvdHNiOQoHbGF0ZW50cxIu"
    "CiwIARIoCgcSBWJhdGNoCgcSBXNsb3RzCgoSCGNoYW5uZWxzCggSBmZyYW1lc2IwCgZ0cmFja3MSJgokCAESIAoIEgZ0cmFja3MKChIIY2hhbm"
    "5lbHMKCBIGZnJhbWVzQgQKABAS"
)
