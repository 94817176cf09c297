"""The memcached text protocol answers as memcached 1.6.18 answers, byte for byte."""

import base64
import random
import re
import socket
import time

import pytest
import servers
from conftest import must_live
from servers import talk
from wire import Closed

LONG = b"k" * 251
SEQUENCES, LENGTH = 60, 120


@pytest.fixture(scope="module")
def memcached():
    # no_modern, as ElastiCache runs it: otherwise its LRU thread may hold an item while incr changes it,
    # which then loses its padding.
    with servers.memcached("-m", "512", "-o", "no_modern,maxconns_fast") as server:
        yield server


@pytest.fixture
def mc(shared_mc):
    server = shared_mc.get()
    talk(server, b"flush_all\r\n")
    yield server
    must_live(server)


END = re.compile(rb"(?:END|STORED|NOT_STORED|EXISTS|NOT_FOUND|DELETED|TOUCHED|OK|RESET|\d+|[A-Z_]*ERROR[^\r]*|"
                 rb"VERSION [^\r]*|MEMLIMIT[^\r]*)\r\n\Z")


def without_cas(reply):
    """Cas numbers are the server's own: only which of them are alike counts."""
    names = {}

    def rename(match):
        return match.group(1) + b"cas%d" % names.setdefault(match.group(2), len(names))
    return re.sub(rb"((?:VALUE \S+ \d+ \d+ )|(?:^|\n)(?:HD|EX|VA \d+)(?: [^c\s]\S*| cas\S*)* c)([1-9]\d*)(?=[ \r])", rename, reply)


def meta_alike(reply):
    """The same of meta commands. Seconds pass on both sides, but not at the same instant: ends are multiples of ten here."""
    def ten(match):
        left = int(match.group(1))
        if left >= 2**31:  # what has ended long ago is told by memcached as a negative number, without its sign
            return b"0"
        return b"%d" % ((left + 5) // 10 * 10) if left <= 2592000 else b"far"  # those are wall times
    reply = re.sub(rb"(?<=\S t)(\d+)(?=[ \r])", ten, reply)
    return without_cas(re.sub(rb"(?<=\S l)[0-9](?=[ \r])", b"0", reply))


# Written by hand: each is sent on its own connection to both, on an empty cache -----------------------

CASES = {
    "set and get": b"set k 5 0 3\r\nabc\r\nget k\r\n",
    "noreply": b"set k 5 0 3 noreply\r\nabc\r\nappend k 0 0 1 noreply\r\nd\r\nget k\r\n",
    "data too long": b"set k 5 0 3\r\nabcde\r\nget k\r\n",
    "data too long, noreply": b"set k 5 0 3 noreply\r\nabcde\r\nget k\r\n",
    "data too short": b"set k 5 0 5\r\nabc\r\nget k\r\n\r\n",
    "flags negative": b"set k -1 0 3\r\nabc\r\nget k\r\n",
    "flags largest": b"set k 4294967295 0 3\r\nabc\r\nget k\r\n",
    "flags beyond 32 bits": b"set k 4294967301 0 3\r\nabc\r\nget k\r\n",
    "flags beyond 64 bits": b"set k 99999999999999999999 0 3\r\nabc\r\nget k\r\n",
    "flags no number": b"set k x 0 3\r\nabc\r\nget k\r\n",
    "flags with a plus": b"set k +7 0 3\r\nabc\r\nget k\r\n",
    "flags with a tab": b"set k 7\t9 0 3\r\nabc\r\nget k\r\n",
    "exptime no number": b"set k 0 x 3\r\nabc\r\nget k\r\n",
    "length no number": b"set k 0 0 x\r\nabc\r\nget k\r\n",
    "length negative": b"set k 0 0 -1\r\nabc\r\nget k\r\n",
    "length wraps around": b"set k 0 0 4294967299\r\nabc\r\nget k\r\n",
    "length largest": b"set k 0 0 2147483647\r\nabc\r\nget k\r\n",
    "length no number, noreply": b"set k 0 0 x noreply\r\nabc\r\nget k\r\n",
    "too few words": b"set k 0 0\r\nabc\r\n",
    "too many words": b"set k 0 0 3 4 5\r\nabc\r\n",
    "an odd sixth word": b"set k 0 0 3 other\r\nabc\r\nget k\r\n",
    "empty value": b"set k 0 0 0\r\n\r\nget k\r\nincr k 1\r\n",
    "key of 250": b"set " + LONG[:250] + b" 0 0 3\r\nabc\r\nget " + LONG[:250] + b"\r\n",
    "key of 251 in set": b"set " + LONG + b" 0 0 3\r\nabc\r\nget k\r\n",
    "key of 251 in get": b"get a " + LONG + b" a\r\n",
    "key of 251 in delete": b"delete " + LONG + b"\r\n",
    "key of 251 in incr": b"incr " + LONG + b" 1\r\n",
    "key of 251 in touch": b"touch " + LONG + b" 1\r\n",
    "key of 251 in gat": b"gat 0 " + LONG + b"\r\n",
    "key with odd bytes": b"set \x01\xff\x7f 0 0 1\r\na\r\nget \x01\xff\x7f\r\n",
    "key with NUL": b"set k\x00x 0 0 1\r\na\r\nget k\x00x\r\n",
    "get nothing": b"get\r\n",
    "get spaces": b"set a 0 0 1\r\nx\r\nget  a   a \r\n  get a\r\n",
    "get of 30": b"set a 0 0 1\r\nx\r\nget" + b" a" * 30 + b"\r\n",
    "get of 3000": b"set a 0 0 1\r\nx\r\nget" + b" a" * 3000 + b"\r\n",
    "LF alone": b"set a 0 0 1\nx\r\nget a\n",
    "empty lines": b"\r\n\n \r\na\r\n",
    "unknown": b"nosuch\r\nGET a\r\nnosuch noreply\r\nge a\r\nset\r\n",
    "gat": b"gat\r\ngat 100\r\ngat x a\r\ngat noreply\r\nset a 3 0 1\r\nx\r\ngat 100 a b a\r\ngats 0 a\r\n",
    "gat at once": b"set a 3 0 1\r\nx\r\ngat -1 a\r\nget a\r\n",
    "add replace": b"add z 0 0 1\r\na\r\nadd z 0 0 1\r\nb\r\nreplace z 3 0 1\r\nc\r\nget z\r\nreplace y 0 0 1\r\na\r\n",
    "append prepend": b"append z 0 0 1\r\na\r\nprepend z 0 0 1\r\na\r\nset z 3 0 1\r\nc\r\nappend z 9 9 2\r\nde\r\n"
                      b"prepend z 1 1 1\r\nx\r\nget z\r\n",
    "append to a number": b"set n 0 0 2\r\n12\r\nappend n 0 0 1\r\n3\r\nget n\r\nincr n 1\r\nprepend n 0 0 1\r\n9\r\nget n\r\n",
    "cas without gets": b"set z 0 0 1\r\na\r\ncas z 0 0 1 0\r\na\r\ncas none 0 0 1 1\r\na\r\n",
    "cas badly": b"cas z 0 0 1 x\r\na\r\ncas z 0 0 1\r\na\r\ncas z 0 0 1 1 noreply x\r\na\r\n",
    "delete": b"delete a\r\nset a 0 0 1\r\nx\r\ndelete a\r\ndelete a 0\r\ndelete a 1\r\ndelete a 0 x\r\ndelete a 0 0 0\r\n"
              b"delete\r\ndelete a noreply\r\ndelete a 0 noreply\r\ndelete a 1 noreply\r\ndelete noreply\r\n",
    "incr decr": b"incr a 1\r\nset a 7 0 2\r\n10\r\nincr a 5\r\ndecr a 100\r\nget a\r\nincr a 18446744073709551615\r\n"
                 b"incr a 1\r\nget a\r\n",
    "decr keeps the length": b"set a 0 0 2\r\n10\r\ndecr a 1\r\nget a\r\nincr a 1\r\nget a\r\nincr a 1000\r\nget a\r\n",
    "incr of words": b"set a 0 0 3\r\nabc\r\nincr a 1\r\nincr a x\r\nincr a -1\r\nincr a 18446744073709551616\r\nincr a\r\n"
                     b"incr a 1 x\r\nincr a 1 noreply\r\nincr a x noreply\r\nincr a noreply\r\n",
    "incr of odd numbers": b"".join(b"set a 0 0 %d\r\n%s\r\nincr a 1\r\nget a\r\n" % (len(v), v) for v in (
        b" 5", b"12 ab", b"-1", b"+1", b"18446744073709551615", b"18446744073709551616", b"0" * 20 + b"1", b"9" * 30,
        b"0x10", b"1.5", b"5\t", b"5\x00", b"-0", b"--1", b"9223372036854775807", b"007")),
    "touch": b"set z 0 0 1\r\na\r\ntouch z 0\r\ntouch none 0\r\ntouch z x\r\ntouch z\r\ntouch z 0 noreply\r\n"
             b"touch z 0 x\r\ntouch z noreply\r\nget z\r\ntouch z -1\r\nget z\r\n",
    "exptimes": b"set e 0 -1 1\r\na\r\nset f 0 2592001 1\r\na\r\nset g 0 2592000 1\r\na\r\nset h 0 2147483647 1\r\na\r\n"
                b"set i 0 4294967295 1\r\na\r\nset j 0 4102444800 1\r\na\r\nget e f g h i j\r\nadd e 0 0 1\r\nb\r\nget e\r\n",
    "flush_all": b"set a 0 0 1\r\na\r\nflush_all\r\nget a\r\nset a 0 0 1\r\na\r\nflush_all 0\r\nget a\r\nflush_all noreply\r\n"
                 b"flush_all -1\r\nflush_all x\r\nflush_all 0 2\r\nflush_all 1 2 3\r\nflush_all x noreply\r\n",
    "version": b"version\r\nversion x\r\n",
    "verbosity": b"verbosity\r\nverbosity 0\r\nverbosity x\r\nverbosity 0 noreply\r\nverbosity noreply\r\nverbosity 0 2\r\n"
                 b"verbosity 0 0 0\r\n",
    "quit": b"set a 0 0 1\r\nx\r\nquit\r\nget a\r\n",
    "quit with words": b"quit x\r\nversion\r\n",
    "shutdown": b"shutdown\r\nmisbehave\r\n",
    "stats of no kind": b"stats nosuch\r\nstats reset\r\nstats sizes\r\n",
    "cache_memlimit": b"cache_memlimit\r\ncache_memlimit x\r\ncache_memlimit 1\r\ncache_memlimit 2000000000\r\n",
    "a long line": b"set a 0 0 " + b"1" * 2050 + b"\r\nversion\r\n",
    "a long line without an end": b"x" * 2100,
    "a value of words": b"set k 0 0 15\r\nget k\r\nset a 0 \r\nget k\r\n",
    "set and nothing more": b"set k 0 0 3\r\n",
    "half a line": b"get k",
    "too large": b"set k 0 0 3\r\nabc\r\nset k 0 0 1048576\r\n" + b"x" * 1048576 + b"\r\nget k\r\n",
    "too large to add": b"set k 0 0 3\r\nabc\r\nadd k 0 0 1048576\r\n" + b"x" * 1048576 + b"\r\nget k\r\n",
    "too large, noreply": b"set k 0 0 3\r\nabc\r\nset k 0 0 1048576 noreply\r\n" + b"x" * 1048576 + b"\r\nget k\r\n",
    "too large to append": b"set k 0 0 1048000\r\n" + b"x" * 1048000 + b"\r\nappend k 0 0 2000\r\n" + b"y" * 2000
                           + b"\r\nprepend k 0 0 2000 noreply\r\n" + b"y" * 2000 + b"\r\nincr k 1\r\n",
    "values of all sizes": b"".join(b"set s%d %d 0 %d\r\n%s\r\nget s%d\r\n" % (n, n % 3, n, b"v" * n, n) for n in (
        0, 1, 10, 100, 255, 256, 1000, 12000, 12200, 12270, 12280, 12288, 12300, 16383, 16384, 20000, 100000, 1000000)),
    "append at all sizes": b"".join(b"set s%d %d 0 %d\r\n%s\r\nappend s%d 0 0 3\r\nabc\r\nprepend s%d 0 0 2\r\nde\r\nget s%d\r\n"
                                    % (n, n % 2, n, b"v" * n, n, n, n) for n in (
                                        0, 1, 14, 60, 252, 255, 1000, 12260, 12270, 12275, 12285, 12288, 16380, 20000)),
    "overwrite with other flags": b"set k 5 0 1\r\na\r\nset k 0 0 1\r\nb\r\nget k\r\nset k 0 0 3\r\n123\r\nget k\r\n"
                                  b"set k 9 0 3\r\n456\r\nincr k 1\r\nget k\r\ndecr k 500\r\nget k\r\n",
}


# Meta commands, likewise; "me" is compared apart, as sizes of slabs are memcached's own.
META_CASES = {
    "few words": b"mg\r\nms\r\nmd\r\nma\r\nmn\r\nme\r\nmx a\r\nmn x y\r\nms k\r\nms k x\r\nms k -1\r\nms k 2147483647\r\nmz\r\n",
    "get": b"mg k\r\nmg k v\r\nms k 3\r\nabc\r\nmg k\r\nmg k v\r\nmg k s v\r\nmg k s t f k Oabc v\r\nmg k O1 k v t s\r\n",
    "get missing": b"mg k v Oabc k q\r\nmg k v Oabc k\r\nmg k k O1\r\nmn\r\n",
    "quiet": b"ms a 1 q\r\nx\r\nmg a v q\r\nmg b v q\r\nmd a q\r\nmd a q\r\nma n N0 J5 q\r\nma n q\r\nma m q\r\nms a 1 q MR\r\nx\r\n"
             b"ms a 1 q MA\r\nx\r\nms a 1 C5 q\r\nx\r\nmd a q C7 O1\r\nmg a zz q\r\nmn\r\n",
    "noreply is no word here": b"mg noreply\r\nmg k noreply\r\nms noreply 3\r\nabc\r\nmg noreply v\r\nms noreply 3 noreply\r\nabc\r\nms noreply 1\r\nxx\r\n"
                               b"md noreply\r\nma noreply\r\nme noreply\r\nmd k noreply\r\n",
    "flags": b"ms k 3 F123 T0\r\nabc\r\nmg k f v\r\nget k\r\nms k 3 F4294967295\r\nabc\r\nmg k f\r\nms k 3 Fx\r\nabc\r\nms k 3 F-1\r\nabc\r\nmg k f\r\n",
    "wrong flags": b"".join(b"mg k %s\r\nms k 2 %s\r\nab\r\nmd k %s\r\nma k %s\r\nmn\r\n" % (f, f, f, f) for f in (
        b"z", b"E5", b"x", b"S10", b"k k", b"v v", b"T", b"Tx", b"T5 T6", b"N", b"Nx", b"R", b"Rx", b"C", b"Cx", b"C-1", b"M", b"Mxx", b"Mz",
        b"J", b"Jx", b"D", b"Dx", b"F", b"Fx", b"Tx Fx", b"Fx Tx", b"Cx Mxx", b"Mxx Cx", b"Tx z", b"\xff", b"\x7f", b"k\xff", b"I5", b"q1",
        b"O" * 33, b"O" * 32, b"O" * 40 + b" k", b"k O" + b"p" * 32, b"P L", b"Pabc Labc", b"u")),
    "many flags": b"ms k 1 b c f h k l q s t u v I O1 P L N1 T0 R1\r\nx\r\nmg k" + b" k" * 18 + b"\r\nmg k b c f h k l q s t u v I O1 P L N1 T0\r\n"
                  b"md k" + b" k" * 18 + b"\r\nma k" + b" k" * 18 + b"\r\nms k 1" + b" k" * 17 + b"\r\nmg k" + b" k" * 30 + b"\r\n",
    "long keys": b"".join(b"%s %s%s\r\n" % (verb, LONG[:n], more) for n in (250, 251) for verb, more in (
        (b"mg", b" k"), (b"ms", b" 1 k\r\nx"), (b"md", b" k"), (b"ma", b" k"), (b"mg", b" v b k"))),
    "lengths": b"".join(b"ms k %s\r\nabc\r\nmg k v\r\n" % n for n in (b"3", b"+3", b"03", b"2", b"4", b"0", b"3x", b"", b"S3", b"4294967299")),
    "errors swallow the block": b"ms k 5 z\r\nmg ab\r\nms k 5 Mz\r\nmg ab\r\nms k 5 O" + b"1" * 40 + b"\r\nmg ab\r\nmn\r\n",
    "too large": b"ms k 2\r\nab\r\nms k 1048576 ME q\r\n" + b"x" * 1048576 + b"\r\nmg k v\r\nms k 1048000 k O1\r\n" + b"x" * 1048000
                 + b"\r\nms k 2000 MA\r\n" + b"y" * 2000 + b"\r\nma k\r\nmg k s\r\n",
    "big blocks": b"".join(b"ms %s %d F%d T0 k Oopaque%s\r\n%s\r\nmg %s s f v k\r\n" % (k, n, n % 2, b" b" if k == b"Zm9v" else b"", b"v" * n,
                                                                                       k + (b" b" if k == b"Zm9v" else b""))
                           for k in (b"k", b"Zm9v", b"k" * 250) for n in (100, 12000, 12260, 12290, 16384, 20000, 100000)),
    "bare big block": b"ms k 20000\r\n" + b"x" * 20000 + b"\r\nms k 20000 k\r\n" + b"y" * 20000 + b"\r\nmg k s\r\nmg k v\r\n",
    "encoded keys": b"ms Zm9v 3 b k T0\r\nabc\r\nmg Zm9v b k v\r\nmg foo k v\r\nget foo\r\nmg Zm9v b k q\r\nms foo 1 k\r\nx\r\nmg Zm9v b k\r\n"
                    b"md Zm9v b k\r\nmd Zm9v b k\r\nmg Zm9v b k O1\r\nma Zm9v b k\r\nma Zm9v b k N0\r\nma Zm9v b k\r\n",
    "encoded keys with any bytes": b"ms AAECIA== 2 b\r\nab\r\nmg AAECIA== b v k\r\nms 4pyTIA0K 2 b k\r\nab\r\nmg 4pyTIA0K k b s\r\nmd AAECIA== b k\r\n",
    "badly encoded keys": b"".join(b"mg %s b v k\r\nms %s 1 b\r\nx\r\nmd %s b\r\nma %s b\r\nme %s b\r\n" % (k, k, k, k, k) for k in (
        b"a", b"ab", b"abc", b"====", b"a===", b"!!!!", b"ab=c", b"=abc")),
    "odd encoded keys": b"ms Zm!9v 1 b k\r\nx\r\nmg foo v\r\nms Zg==Zm9v 1 b k\r\ny\r\nmg f v\r\nms Zm8= 1 b k\r\nz\r\nmg fo v k\r\n",
    "append keeps no sign of the encoding": b"ms Zm9v 2 b\r\n10\r\nms Zm9v 1 b MA k\r\n1\r\nmg foo k v\r\n",
    "incr and the encoding": b"ms Zm9v 2 b\r\n10\r\nma foo\r\nmg foo k v\r\nma foo D1000\r\nmg foo k v\r\n",
    "modes": b"ms k 1 ME\r\na\r\nms k 1 ME\r\nb\r\nms k 1 MA\r\nc\r\nms k 1 MP\r\nd\r\nmg k v\r\nms k 1 MR\r\ne\r\nms k 1 MS\r\nf\r\nmg k v\r\n"
             b"ms n 1 MA\r\na\r\nms n 1 MP\r\na\r\nms n 1 MR k Ox c\r\na\r\nms n 1 MA N5\r\na\r\nms n 1 Me\r\na\r\nmg n\r\n",
    "ttl": b"ms k 1 T100\r\na\r\nmg k t\r\nmg k t T200 v\r\nmg k T300 t\r\nmg k T0 t\r\nmg k t T-1 v\r\nmg k v\r\nms k 1 T-1 c k\r\na\r\nmg k v\r\n"
           b"ms k 1\r\na\r\nmg k t\r\nms k 1 T4102444800 k\r\na\r\nmg k v\r\nms k 1 T4294967295\r\na\r\nmg k v\r\n",
    "vivify": b"mg k N30 t v s f\r\nmg k N30 t v\r\nmg k N30 t v\r\nms k 3 T30\r\nabc\r\nmg k N30 v t\r\nmg l N0 t\r\nmg l t\r\nmg m t N30\r\nmg n N-1 v\r\n"
              b"mg n v\r\nmg o N30 k Oxyz q\r\nmg o N30 k Oxyz q v\r\nmg p N30 O" + b"1" * 40 + b"\r\nmg p v\r\n",
    "recache": b"ms k 3 T30\r\nabc\r\nmg k R20 v\r\nmg k R60 t v\r\nmg k R60 t v\r\nmg k R-1\r\nmg k R0\r\nms k 3 T0\r\nabc\r\nmg k R60\r\nms k 3 T30\r\nabc\r\n"
               b"mg k T100 R60\r\nmg k R60 T10\r\nmg k T10 R60 v\r\n",
    "stale": b"ms k 3 T300\r\nabc\r\nmd k I T100\r\nmg k t v\r\nmg k t v\r\nmd k I k Oabc\r\nmg k\r\nmg k\r\nms k 1\r\nx\r\nmg k v\r\nmd k I q\r\nmg k v\r\n"
             b"mg k v R400\r\ntouch k 200\r\nmg k\r\nappend k 0 0 1\r\ny\r\nmg k v\r\nmd n I\r\nmd k I T-1\r\nmg k\r\n",
    "stale numbers and big ones": b"ms k 2\r\n10\r\nmd k I\r\nma k\r\nmg k v\r\nma k D1000\r\nmg k v\r\nms k 20000 F5\r\n" + b"x" * 20000 + b"\r\nmd k I\r\n"
                                  b"mg k s f\r\nmg k s f\r\nset k 1 0 1\r\ny\r\nmd k I\r\nmg k v f\r\nmg k v f\r\nset k 1 0 1\r\ny\r\nmg k v f\r\n",
    "hit": b"ms k 1\r\na\r\nmg k h\r\nmg k h\r\nmg k h l\r\nms k 1\r\na\r\nmg k u\r\nmg k h u\r\nmg k\r\nmg k h\r\nset k 0 0 1\r\na\r\nmg k h u\r\nget k\r\n"
           b"mg k h\r\nset k 0 0 1\r\na\r\ntouch k 0\r\nmg k h\r\nset k 0 0 2\r\n10\r\nincr k 1\r\nmg k h\r\nmg k h\r\n"
           b"incr k 500\r\nmg k h\r\nappend k 0 0 1\r\n1\r\nmg k h\r\ngat 0 k\r\nmg k h\r\nmg v N0 h\r\nmg v h\r\nma w N0\r\nmg w h\r\nmg k v l\r\n",
    "hit of big ones": b"set k 0 0 20000\r\n" + b"x" * 20000 + b"\r\nmg k h\r\nmg k h\r\nset k 0 0 20000\r\n" + b"x" * 20000 + b"\r\nmg k h\r\n",
    "delete": b"md k\r\nms k 1\r\na\r\nmd k k O1\r\nmd k k O1\r\nms k 1\r\na\r\nmd k C0\r\nmd k C999999999999999\r\nmd k T30\r\nmd k v t\r\n",
    "arithmetic": b"ma n\r\nma n k O1 v\r\nma n N0 v t\r\nma n v\r\nma n D5 v\r\nma n MD D2 v\r\nma n M- v\r\nma n M+ v\r\nma n MI v\r\nma n Mx\r\nma n D100 MD v\r\n"
                  b"ma n J7 v\r\nma m N30 J99 t v k O5\r\nma m t v\r\nma m T60 t v\r\nma m t T90\r\nma m N500 t\r\nma m T-1 v\r\nma m v\r\n",
    "arithmetic at its ends": b"ma n N0 J18446744073709551615 v\r\nma n v\r\nma n D18446744073709551615 v\r\nma n v\r\nms n 0\r\n\r\nma n\r\nms n 3\r\nabc\r\n"
                              b"ma n C1\r\nma n q\r\nms n 3\r\n100\r\nma n MD v\r\nmg n v\r\nma n C99999999999\r\nma n C0 v\r\nma n O" + b"1" * 40 + b"\r\nmg n v\r\n",
}


@pytest.mark.parametrize("name", META_CASES)
def test_meta_commands_answer_alike(memcached, mc, name):
    talk(memcached, b"flush_all\r\n")
    assert meta_alike(talk(mc, META_CASES[name])) == meta_alike(talk(memcached, META_CASES[name]))


@pytest.mark.parametrize("name", CASES)
def test_answers_alike(memcached, mc, name):
    talk(memcached, b"flush_all\r\n")
    assert without_cas(talk(mc, CASES[name])) == without_cas(talk(memcached, CASES[name]))


@pytest.mark.parametrize("slack", range(-3, 4))
@pytest.mark.parametrize("flags", [0, 1])
@pytest.mark.parametrize("key", [b"k", b"k" * 250])
def test_the_largest_item_is_the_same_to_the_byte(memcached, mc, slack, flags, key):
    size = 1048576 - 56 - len(key) - 1 - (4 if flags else 0) - 2 + slack
    data = b"set %s %d 0 %d\r\n%s\r\n" % (key, flags, size, b"x" * size)
    assert talk(mc, data) == talk(memcached, data)


# Drawn at random -------------------------------------------------------------------------------------

# No numbers beyond 2^63: for them memcached looks for a minus sign behind the end of the item.
KEYS = [b"a", b"b", b"c", b"d", b"e"]
VALUES = [b"", b"x", b"abc", b"0", b"9", b"10", b"99", b"100", b"9223372036854775", b"v" * 100, b"w" * 5000,
          b"z" * 12280, b"y" * 30000, b"12 ", b"007", b"-5"]


def draw_meta(rng):
    """One meta request, or (key, head, block) with a place for a cas: that which the server has shown for the key last."""
    key = rng.choice(KEYS[:3])
    encoded = rng.random() < 0.15
    word = base64.b64encode(key) + b" b" if encoded else key
    flags = [f for f in (b"q", b"O" + key, b"u") if rng.random() < 0.15]
    if rng.random() < 0.2:
        flags.append(rng.choice([b"T0", b"T500", b"T-1"]))
    pick = rng.random()
    if pick < 0.45:
        flags += [f for f in (b"s", b"f", b"h", b"l", b"v", b"t", b"N500", b"R1000", b"R100") if rng.random() < 0.3]
        rng.shuffle(flags)
        return b"mg %s\r\n" % b" ".join([word, b"k", b"c"] + flags)
    flags += [b"C%d"] if rng.random() < 0.4 else []
    flags += [b"I"] if rng.random() < 0.4 else []
    flags += [f for f in (b"k", b"c") if rng.random() < 0.2]
    if pick < 0.75:
        value = rng.choice(VALUES)
        if rng.random() < 0.3:
            flags.append(rng.choice([b"ME", b"MA", b"MP", b"MR", b"MS", b"Mx"]))
        name, _, encoding = word.partition(b" ")
        flags += [encoding] if encoding else []
        flags += [b"F%d" % rng.choice([0, 1, 4294967295])] if rng.random() < 0.3 else []
        rng.shuffle(flags)
        return (key, b"ms %s %d" % (name, len(value)) + b"".join(b" " + f for f in flags) + b"\r\n", value)
    if pick < 0.87:
        return (key, b"md %s" % b" ".join([word] + flags) + b"\r\n", None)
    # memcached forgets a T when the number grows longer.
    flags = [f for f in flags if f[:1] != b"T"]
    flags += [f for f in (b"N500", b"J10", b"D3", b"v", b"t") if rng.random() < 0.3]
    flags += [rng.choice([b"MI", b"MD", b"M-"])] if rng.random() < 0.3 else []
    rng.shuffle(flags)
    return (key, b"ma %s" % b" ".join([word] + flags) + b"\r\n", None)


def draw(rng):
    """One request; in place of a cas it says where that is to stand which the server has shown for the key last."""
    key = rng.choice(KEYS)
    value = rng.choice(VALUES)
    flags = rng.choice([0, 0, 0, 1, 7, 4294967295])
    exptime = rng.choice([0, 0, 0, 1000, 2592000, 4000000000 % 2**31, -1])
    noreply = b" noreply" if rng.random() < 0.1 else b""
    pick = rng.random()
    if pick < 0.35:
        verb = rng.choice([b"set", b"set", b"add", b"replace", b"append", b"prepend"])
        return b"%s %s %d %d %d%s\r\n%s\r\n" % (verb, key, flags, exptime, len(value), noreply, value)
    if pick < 0.45:
        return (key, b"cas %s %d %d %d %%d%s\r\n" % (key, flags, exptime, len(value), noreply), value)
    if pick < 0.6:
        return b"%s %s\r\n" % (rng.choice([b"get", b"gets", b"gets"]), b" ".join(rng.choices(KEYS, k=rng.randint(1, 6))))
    if pick < 0.75:
        return b"%s %s %d%s\r\n" % (rng.choice([b"incr", b"decr"]), key, rng.choice([0, 1, 5, 95, 10**6]), noreply)
    if pick < 0.82:
        return b"delete %s%s\r\n" % (key, noreply)
    if pick < 0.88:
        return b"touch %s %d%s\r\n" % (key, exptime, noreply)
    if pick < 0.95:
        return b"%s %d %s\r\n" % (rng.choice([b"gat", b"gats"]), exptime, b" ".join(rng.choices(KEYS, k=2)))
    return rng.choice([b"flush_all\r\n", b"version\r\n", b"nosuch\r\n", b"get\r\n", b"set a\r\n", b"incr a x\r\n"])


def shown(log):
    """The last requests, without the middle of big values."""
    return [tuple(part and part[:60] for part in r) if isinstance(r, tuple) else r[:80] for r in log[-40:]]


class McSide:
    """One server, asked step by step; remembers the cas it showed last for each key."""

    def __init__(self, server):
        self.conn = server.conn()
        self.cas = {}

    def ask(self, request):
        if isinstance(request, tuple):
            key, head, value = request
            head = head.replace(b"%d", b"%d" % self.cas.get(key, 0))
            request = head + value + b"\r\n" if value is not None else head
        self.conn.send(request + b"version\r\n")
        reply = self.conn.read_line()
        while not reply.endswith(b"VERSION 1.6.18\r\n"):
            reply += self.conn.read_line()
        for key, cas in re.findall(rb"VALUE (\S+) \d+ \d+ (\d+)\r\n", reply):
            self.cas[key] = int(cas)
        for key, cas in re.findall(rb"(?:HD|VA \d+) k(\S+) c(\d+)[ \r]", reply):
            self.cas[key] = int(cas)
        return reply


@pytest.mark.parametrize("part", range(4))
def test_generated_requests_answer_alike(memcached, mc, seed, is_long, part):
    for number in range((SEQUENCES * 20 if is_long else SEQUENCES) // 4):
        rng = random.Random("%s/%d/%d" % (seed, part, number))
        ref, ours, log = McSide(memcached), McSide(mc), []
        for request in [b"flush_all\r\n"] + [draw(rng) for _ in range(LENGTH)]:
            log.append(request)
            want, got = without_cas(ref.ask(request)), without_cas(ours.ask(request))
            assert got == want, "seed %s, after %s" % (seed, shown(log))
        ref.conn.close()
        ours.conn.close()


@pytest.mark.parametrize("part", range(4))
def test_generated_meta_requests_answer_alike(memcached, mc, seed, is_long, part):
    for number in range((SEQUENCES * 20 if is_long else SEQUENCES) // 4):
        rng = random.Random("%s/meta/%d/%d" % (seed, part, number))
        ref, ours, log = McSide(memcached), McSide(mc), []
        for request in [b"flush_all\r\n"] + [draw_meta(rng) if rng.random() < 0.75 else draw(rng) for _ in range(LENGTH)]:
            log.append(request)
            want, got = meta_alike(ref.ask(request)), meta_alike(ours.ask(request))
            assert got == want, "seed %s, after %s" % (seed, shown(log))
        ref.conn.close()
        ours.conn.close()


@pytest.mark.parametrize("step", [1, 3, 7])
def test_requests_cut_anywhere_answer_alike(memcached, mc, step):
    data = (b"set k 1 0 5\r\nab\r\nc\r\nget k nosuch k\r\nincr k 1\r\nset n 0 0 1\r\n5\r\nincr n 5\r\nget n\r\n"
            b"ms Zm9v 3 b k O1\r\nabc\r\nmg foo v k\r\nms foo 3 Mz\r\nabc\r\nmd foo q\r\nmn\r\n")

    def in_slices(server):
        with server.conn() as conn:
            for at in range(0, len(data), step):
                conn.send(data[at:at + step])
            conn.sock.shutdown(socket.SHUT_WR)
            return conn.read_to_close()
    assert in_slices(mc) == in_slices(memcached)


# What cannot be compared -----------------------------------------------------------------------------

def test_a_pipeline_of_10000_requests(mc):
    n = 10000
    sets = b"".join(b"set k%d %d 0 6\r\n%06d\r\n" % (i, i % 2, i) for i in range(n))
    gets = b"".join(b"get k%d\r\n" % i for i in range(n))
    want = b"STORED\r\n" * n + b"".join(b"VALUE k%d %d 6\r\n%06d\r\nEND\r\n" % (i, i % 2, i) for i in range(n))
    with mc.conn() as conn:
        conn.send(sets + gets)
        assert conn.read_until(lambda buf, size=len(want): size if len(buf) >= size else needs_more()) == want


def needs_more():
    from wire import Incomplete
    raise Incomplete


def test_cas_is_unique_and_ends_with_each_write(mc):
    def cas_of(conn, key=b"k"):
        conn.send(b"gets %s\r\n" % key)
        line = conn.read_line()
        conn.read_line(), conn.read_line()
        return int(line.split()[-1])

    def ask(conn, request):
        conn.send(request)
        return conn.read_line()
    with mc.conn() as conn:
        seen = set()
        for value in (b"abc", b"123", b"v" * 300, b"w" * 30000):
            assert ask(conn, b"set k 0 0 %d\r\n%s\r\n" % (len(value), value)) == b"STORED\r\n"
            cas = cas_of(conn)
            assert cas == cas_of(conn) and cas not in seen
            seen.add(cas)
            assert ask(conn, b"touch k 1000\r\n") == b"TOUCHED\r\n"
            assert cas_of(conn) == cas
            assert ask(conn, b"cas k 3 0 1 %d\r\nx\r\n" % cas) == b"STORED\r\n"
            assert ask(conn, b"cas k 3 0 1 %d\r\ny\r\n" % cas) == b"EXISTS\r\n"
        for change in (b"set k 0 0 1\r\n1\r\n", b"append k 0 0 1\r\n2\r\n", b"prepend k 0 0 1\r\n3\r\n", b"incr k 1\r\n",
                       b"decr k 1\r\n", b"replace k 0 0 1\r\n4\r\n"):
            cas = cas_of(conn)
            ask(conn, change)
            assert ask(conn, b"cas k 0 0 1 %d\r\nz\r\n" % cas) == b"EXISTS\r\n", change
            assert cas_of(conn) > cas


def test_what_is_known_of_an_item_is_shown(mc, memcached):
    requests = (b"set k 0 0 3\r\nabc\r\nme k\r\nget k\r\nme k\r\nms Zm9v 20000 b F5 T1000\r\n" + b"x" * 20000 + b"\r\nme Zm9v b\r\nme foo\r\n"
                b"me none\r\nme none b\r\nme no!! b\r\nme k v\r\nme " + LONG + b"\r\n")
    shown = []
    for server in (memcached, mc):
        talk(server, b"flush_all\r\n")
        reply = re.sub(rb" cas=\d+| cls=\d+", b"", talk(server, requests))
        reply = re.sub(rb"exp=-(\d\d+)", lambda m: b"exp=-%d" % ((int(m.group(1)) + 5) // 10 * 10), reply)
        shown.append(re.sub(rb" la=\d ", b" la=0 ", reply))
    assert shown[1] == shown[0]
    assert b"ME k exp=-1 la=0 fetch=yes size=" in shown[1]


def test_items_expire_and_a_delayed_flush_comes(mc):
    with mc.conn() as conn:
        conn.send(b"set short 0 1 1\r\na\r\nset at 0 %d 1\r\nb\r\nset long 0 1000 1\r\nc\r\nset flagged 5 1 1\r\nd\r\n"
                  % (int(time.time()) + 2))
        for _ in range(4):
            assert conn.read_line() == b"STORED\r\n"

        def live():
            conn.send(b"get short at long flagged\r\n")
            keys = []
            while (line := conn.read_line()) != b"END\r\n":
                if line.startswith(b"VALUE"):
                    keys.append(line.split()[1])
            return keys
        assert b"long" in live()
        servers.wait_for(lambda: live() == [b"long"], "what is due has gone", within=6)
        conn.send(b"flush_all 1\r\n")
        assert conn.read_line() == b"OK\r\n"
        assert live() == [b"long"]
        servers.wait_for(lambda: live() == [], "the delayed flush", within=4)
        conn.send(b"set after 0 0 1\r\nx\r\nget after\r\n")
        assert [conn.read_line() for _ in range(4)] == [b"STORED\r\n", b"VALUE after 0 1\r\n", b"x\r\n", b"END\r\n"]


def stats(conn, kind=b""):
    conn.send(b"stats%s\r\n" % kind)
    found = {}
    while (line := conn.read_line()) != b"END\r\n":
        word, name, value = line.strip().split(b" ", 2)
        assert word == b"STAT"
        found[name] = value
    return found


def test_stats_count_what_happened(mc, memcached):
    requests = (b"set a 0 0 1\r\n1\r\nset b 0 0 1\r\nx\r\nget a b none\r\nincr a 1\r\nincr none 1\r\ndecr a 1\r\ndecr none 1\r\n"
                b"delete b\r\ndelete b\r\ntouch a 0\r\ntouch none 0\r\ncas a 0 0 1 999999\r\nz\r\ncas none 0 0 1 1\r\nz\r\n"
                b"gat 0 a\r\ngat 0 none\r\nmg a v\r\nmg a T0\r\nmg none\r\nmg none T0\r\nms m 1\r\n1\r\nms m 1 ME\r\n1\r\nms m 1 C9999999\r\n1\r\n"
                b"ms none 1 C5\r\n1\r\nma m\r\nma m MD\r\nma none\r\nma none MD\r\nma n N0\r\nmd n I\r\nmd n C99999\r\nmd n\r\nmd n\r\nme m\r\nme n\r\n"
                b"mg n N5\r\nflush_all\r\nadd q 0 0 1\r\nx\r\nappend q 0 0 1\r\nx\r\n")
    counted = """cmd_get cmd_set cmd_flush cmd_touch cmd_meta get_hits get_misses delete_misses delete_hits incr_misses incr_hits
        decr_misses decr_hits cas_misses cas_hits cas_badval touch_hits touch_misses""".split()
    results = []
    for server in (memcached, mc):
        with server.conn() as conn:
            conn.send(b"flush_all\r\nstats reset\r\n")
            conn.read_line(), conn.read_line()
        talk(server, requests)
        with server.conn() as conn:
            found = stats(conn)
            results.append({name: found[name.encode()] for name in counted})
    assert results[1] == results[0]


def test_stats_have_memcacheds_names(mc, memcached):
    talk(mc, b"set a 0 0 1\r\n1\r\n")
    talk(memcached, b"set a 0 0 1\r\n1\r\n")
    with mc.conn() as ours, memcached.conn() as ref:
        for kind in (b"", b" settings", b" items", b" slabs", b" sizes"):
            known = {re.sub(rb"\d+:", b"1:", n) for n in stats(ref, kind)}
            strange = [n for n in stats(ours, kind) if n not in known]
            assert not strange, kind
        found = stats(ours)
        for name in (b"pid", b"uptime", b"time", b"version", b"curr_connections", b"total_connections", b"cmd_get", b"bytes",
                     b"curr_items", b"total_items", b"evictions", b"limit_maxbytes", b"threads", b"bytes_read", b"bytes_written"):
            assert name in found
        assert found[b"curr_items"] == b"1" and found[b"pid"] == b"%d" % mc.pid


def test_auto_discovery_speaks_the_wire_format(mc):
    nodes = b"1\nhost1.cache|10.0.0.1|11211 host2.cache||11211\n"
    assert talk(mc, b"config get cluster\r\n") == b"END\r\n"
    assert talk(mc, b"config set cluster 0 %d\r\n%s\r\n" % (len(nodes), nodes)) == b"STORED\r\n"
    want = b"CONFIG cluster 0 %d\r\n%s\r\nEND\r\n" % (len(nodes), nodes)
    assert talk(mc, b"config get cluster\r\n") == want
    assert talk(mc, b"get AmazonElastiCache:cluster\r\n") == want.replace(b"CONFIG cluster", b"VALUE AmazonElastiCache:cluster")
    assert talk(mc, b"flush_all\r\nconfig get cluster\r\n") == b"OK\r\n" + want
    assert talk(mc, b"config get nosuch\r\nconfig nosuch cluster\r\nconfig\r\nconfig get\r\n") == b"END\r\n" + b"ERROR\r\n" * 3
    assert talk(mc, b"config set cluster 0 65537\r\n" + b"x" * 65537 + b"\r\nversion\r\n") == (
        b"SERVER_ERROR object too large for cache\r\nVERSION 1.6.18\r\n")
    assert talk(mc, b"config set cluster 0 3\r\nabcd\r\nversion\r\n").startswith(b"CLIENT_ERROR bad data chunk\r\n")
    assert talk(mc, b"config delete cluster\r\nconfig delete cluster\r\nconfig get cluster\r\n") == (
        b"DELETED\r\nNOT_FOUND\r\nEND\r\n")


def test_a_tenant_cannot_set_the_configuration_of_a_restricted_engine(own_engine, tmp_path):
    path = str(tmp_path / "admin.sock")
    server = own_engine(larder_protocol="memcached", larder_restricted="yes", larder_admin_socket=path)
    request = b"config set cluster 0 6\r\n1\na|b|\r\n"
    assert talk(server, request) == b"ERROR\r\n"
    from wire import Conn
    with Conn(path) as admin:
        admin.send(request)
        assert admin.read_line() == b"STORED\r\n"
    assert talk(server, b"config get cluster\r\n") == b"CONFIG cluster 0 6\r\n1\na|b|\r\nEND\r\n"
    assert talk(server, b"config delete cluster\r\n") == b"ERROR\r\n"


def test_memory_holds_and_old_items_go(own_engine):
    limit = 12 << 20
    server = own_engine(larder_protocol="memcached", maxmemory=limit, maxmemory_policy="allkeys-lru")
    with server.conn() as conn:
        for at in range(0, 75000, 1000):
            conn.send(b"".join(b"set key%d %d 0 200\r\n%s\r\n" % (i, i % 2, b"x" * 200) for i in range(at, at + 1000)))
            for _ in range(1000):
                assert conn.read_line() == b"STORED\r\n"
        found = stats(conn)
        assert limit * 0.9 < int(found[b"bytes"]) <= limit * 1.01
        assert int(found[b"evictions"]) > 0


def test_without_eviction_a_full_cache_says_so_and_forgets_the_old_value(own_engine):
    server = own_engine(larder_protocol="memcached", maxmemory=8 << 20, maxmemory_policy="noeviction")
    with server.conn() as conn:
        conn.send(b"set victim 0 0 1\r\nx\r\n")
        assert conn.read_line() == b"STORED\r\n"
        for i in range(100000):
            conn.send(b"set key%d 0 0 2000\r\n%s\r\n" % (i, b"x" * 2000))
            line = conn.read_line()
            if line != b"STORED\r\n":
                break
        assert line == b"SERVER_ERROR out of memory storing object\r\n"
        conn.send(b"set victim 0 0 1\r\ny\r\nget victim\r\n")
        assert [conn.read_line() for _ in range(2)] == [line, b"END\r\n"]
        assert stats(conn)[b"store_no_memory"] == b"2"


def test_an_item_costs_no_more_than_a_string_key(own_engine):
    """Resident bytes per item, with and without flags, against the same keys over RESP."""
    n, per = 100000, {}
    for kind, options, line in (
            ("resp", {}, b"SET key:%09d " + b"x" * 64 + b"\r\n"),
            ("plain", {"larder_protocol": "memcached"}, b"set key:%09d 0 0 64\r\n" + b"x" * 64 + b"\r\n"),
            ("flags", {"larder_protocol": "memcached"}, b"set key:%09d 5 0 64\r\n" + b"x" * 64 + b"\r\n")):
        server = own_engine(**options)
        before = server.rss_bytes()
        with server.conn() as conn:
            for at in range(0, n, 2000):
                conn.send(b"".join(line % i for i in range(at, at + 2000)))
                for _ in range(2000):
                    assert conn.read_line() in (b"+OK\r\n", b"STORED\r\n")
        per[kind] = (server.rss_bytes() - before) / n
    assert per["plain"] <= per["resp"] * 1.03
    assert per["flags"] <= per["resp"] + 17


def test_a_client_too_many_is_told_so(own_engine):
    server = own_engine(larder_protocol="memcached", maxclients=2)

    def full():
        held = [server.conn(), server.conn()]
        for conn in held:
            conn.send(b"version\r\n")
            try:
                if not conn.read_line().startswith(b"VERSION"):
                    return None
            except Closed:
                return None
        return held
    held = servers.wait_for(full, "two clients are served")
    with server.conn() as extra:
        assert extra.read_to_close() == b"ERROR Too many open connections\r\n"
    for conn in held:
        conn.close()
