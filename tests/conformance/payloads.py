"""Payloads of DUMP: sealed with any version, and the encodings of old servers written by hand."""

import struct

POLYNOMIAL = 0x95AC9329AC4BC9B5  # of Jones, its bits reversed


def _table():
    rows = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (POLYNOMIAL if byte & 1 else 0)
        rows.append(byte)
    return rows


_TABLE = _table()


def crc64(data, crc=0):
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc


def seal(value, version=11):
    """A payload of a type byte and what follows it."""
    value += struct.pack("<H", version)
    return value + struct.pack("<Q", crc64(value))


def reseal(payload, version):
    """The same payload as a server of another version says it."""
    return seal(payload[:-10], version)


def length(n):
    if n < 1 << 6:
        return bytes([n])
    if n < 1 << 14:
        return bytes([0x40 | n >> 8, n & 0xFF])
    return b"\x80" + struct.pack(">I", n)


def string(data):
    return length(len(data)) + data


def plain(kind, *elements):
    """Types 1, 2 and 4: how many, and each."""
    count = len(elements) // (2 if kind == 4 else 1)
    return bytes([kind]) + length(count) + b"".join(string(e) for e in elements)


def zset(*pairs):
    """Type 3: scores as text."""
    return b"\x03" + length(len(pairs)) + b"".join(
        string(m) + (s if s[0] >= 253 else bytes([len(s)]) + s) for m, s in pairs)


def listpack(elements, count=None):
    body = b""
    for e in elements:
        if isinstance(e, int):
            form = bytes([e]) if 0 <= e < 128 else b"\xf4" + struct.pack("<q", e)
        else:
            form = (bytes([0x80 | len(e)]) if len(e) < 64 else b"\xf0" + struct.pack("<I", len(e))) + e
        body += form + back_size(len(form))
    count = len(elements) if count is None else count
    return struct.pack("<IH", 7 + len(body), count) + body + b"\xff"


def back_size(n):
    if n <= 127:
        return bytes([n])
    if n < 16383:
        return bytes([n >> 7, n & 127 | 128])
    return bytes([n >> 14, n >> 7 & 127 | 128, n & 127 | 128])


def ziplist_form(e):
    if isinstance(e, int):
        if 0 <= e <= 12:
            return bytes([0xF1 + e])
        for form, code, bits in ((0xFE, "<b", 8), (0xC0, "<h", 16), (0xD0, "<i", 32), (0xE0, "<q", 64)):
            if -1 << bits - 1 <= e < 1 << bits - 1:
                return bytes([form]) + struct.pack(code, e)
    if len(e) < 64:
        return bytes([len(e)]) + e
    if len(e) < 1 << 14:
        return bytes([0x40 | len(e) >> 8, len(e) & 0xFF]) + e
    return b"\x80" + struct.pack(">I", len(e)) + e


def ziplist(elements):
    body, before, tail = b"", 0, 10
    for e in elements:
        tail = 10 + len(body)
        form = (bytes([before]) if before < 254 else b"\xfe" + struct.pack("<I", before)) + ziplist_form(e)
        body += form
        before = len(form)
    return struct.pack("<IIH", 11 + len(body), tail, len(elements)) + body + b"\xff"


def zipmap(pairs, spare=0):
    def size(n):
        return bytes([n]) if n < 254 else b"\xfe" + struct.pack("<I", n)
    body = b"".join(size(len(f)) + f + size(len(v)) + bytes([spare]) + v + b"\0" * spare for f, v in pairs)
    return bytes([min(len(pairs), 254)]) + body + b"\xff"


def intset(width, numbers):
    return struct.pack("<II", width, len(numbers)) + b"".join(
        struct.pack({2: "<h", 4: "<i", 8: "<q"}[width], n) for n in numbers)
