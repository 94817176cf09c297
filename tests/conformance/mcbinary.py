"""Requests and replies of memcached's binary protocol."""

import struct

GET, SET, ADD, REPLACE, DELETE, INCR, DECR, QUIT, FLUSH, GETQ, NOOP, VERSION, GETK, GETKQ, APPEND, PREPEND, STAT = range(0x11)
SETQ, ADDQ, REPLACEQ, DELETEQ, INCRQ, DECRQ, QUITQ, FLUSHQ, APPENDQ, PREPENDQ = range(0x11, 0x1b)
VERBOSITY, TOUCH, GAT, GATQ = range(0x1b, 0x1f)
SASL_LIST, SASL_AUTH, SASL_STEP, GATK, GATKQ = range(0x20, 0x25)
CONFIG_GET, CONFIG_SET, CONFIG_DELETE = 0x60, 0x64, 0x66


def request(opcode, key=b"", value=b"", extras=b"", cas=0, opaque=0, body_len=None, magic=0x80):
    body_len = len(extras) + len(key) + len(value) if body_len is None else body_len
    return struct.pack(">BBHBBHIIQ", magic, opcode, len(key), len(extras), 0, 0, body_len, opaque, cas) + extras + key + value


def store(opcode, key, value, flags=0, exptime=0, cas=0, **more):
    return request(opcode, key, value, struct.pack(">II", flags, exptime), cas, **more)


def count(opcode, key, delta=1, initial=0, exptime=0xffffffff, cas=0, **more):
    return request(opcode, key, b"", struct.pack(">QQI", delta, initial, exptime), cas, **more)


def touch(opcode, key, exptime, **more):
    return request(opcode, key, b"", struct.pack(">I", exptime), **more)


def replies(data):
    """As (opcode, status, extras, key, value, opaque, cas); what is no reply is an error."""
    out = []
    while data:
        magic, opcode, key_len, extras_len, kind, status, body_len, opaque, cas = struct.unpack(">BBHBBHIIQ", data[:24])
        assert magic == 0x81 and kind == 0, data[:24]
        body, data = data[24:24 + body_len], data[24 + body_len:]
        assert len(body) == body_len
        out.append((opcode, status, body[:extras_len], body[extras_len:extras_len + key_len], body[extras_len + key_len:],
                    opaque, cas))
    return out


def without_cas(found):
    """Cas numbers are the server's own: only which of them are alike counts."""
    names = {0: 0}
    return [(*r[:6], names.setdefault(r[6], len(names))) for r in found]
