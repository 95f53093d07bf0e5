#!/usr/bin/env python3
"""Writes the golden datagrams, from docs/PROTOCOL.md alone.

A second implementation, so that the Rust code is not compared with itself. The tests read only the files that it writes:
run it by hand after a change of the protocol. It needs nothing but Python's standard library.
"""

import hashlib
import hmac
import pathlib
import struct

HERE = pathlib.Path(__file__).parent
PAIR = "lb-1"
KEY_1 = (1, bytes(range(32)))
KEY_2 = (2, bytes([0xA5] * 32))
INSECURE = (0, b"paird: no key, no authentication")

UNKNOWN, FIT = struct.pack("<I", 0), struct.pack("<I", 1)
NOBODY, STRANGER, FORMER = struct.pack("<I", 0), struct.pack("<I", 3), struct.pack("<I", 4)
LEAVING = struct.pack("<I", 1)
HOST_ENDS = struct.pack("<IIBI?", 2, 2, 1, 540, True)
REPLY, EC2, IMDS, PEER = range(4)


def unfit(why):
    return struct.pack("<II", 2, why)


def member(index):
    return struct.pack("<II", 1, index)


def misplaced(index):
    return struct.pack("<II", 2, index)


def restarting(grace_us):
    return struct.pack("<II", 0, grace_us)


def hold(number, by, remaining_us):
    return struct.pack("<QIQ", number, by, remaining_us)


def card(config, haproxy, unix_ms):
    return config + option(haproxy) + struct.pack("<Q", unix_ms)


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def option(data):
    return b"\x00" if data is None else b"\x01" + data


def prefix(sender, incarnation, sequence, echo=None, paths=0):
    return struct.pack(
        "<BBBBQQQQI", sender, echo is not None, paths, 0, incarnation, sequence, *(echo or (0, 0, 0))
    )


def word(holder, association, source, age_us):
    return holder + option(None if association is None else text(association)) + struct.pack("<IQ", source, age_us)


def report(
    query, interval_us, instance, zone, fitness, saturated, ready, word, claiming, yielding, version,
    by_order=False, moves=(), notice=None, hold=None, card=None,
):
    return (
        struct.pack("<?I", query, interval_us)
        + option(None if instance is None else text(instance))
        + text(zone)
        + fitness
        + struct.pack("<??", saturated, ready)
        + option(word)
        + struct.pack("<???", claiming, yielding, by_order)
        + struct.pack(f"<Q{len(moves)}H", len(moves), *moves)
        + option(notice)
        + option(hold)
        + text(version)
        + option(card)
    )


def mark(key):
    return hmac.new(key[1], b"paird: which key is this", hashlib.sha256).digest()[:2]


def datagram(version, key, prefix, report, other=None):
    key_id, secret = key
    pair_id = hashlib.sha256(PAIR.encode()).digest()[:8]
    signed = struct.pack("<4sBB2s8s", b"PAIR", version, key_id, mark(other) if other else b"", pair_id) + prefix + report
    return signed + hmac.new(secret, signed, hashlib.sha256).digest()


def write(name, comment, data):
    lines = [f"# {comment}"]
    lines += [data[at : at + 32].hex() for at in range(0, len(data), 32)]
    (HERE / f"{name}.hex").write_text("\n".join(lines) + "\n")


STARTING = report(False, 200_000, None, "", UNKNOWN, False, False, None, False, False, "0.1.0")
ACTIVE = report(
    True, 200_000, "i-0aaaaaaaaaaaaaaaa", "us-east-1a", FIT, True, True,
    word(member(0), "eipassoc-0123456789abcdef0", IMDS, 1_000_000), False, False, "0.1.0",
    by_order=True, moves=(3, 599), notice=restarting(10_000_000), hold=hold(3, 1, 3_600_000_000),
    card=card(bytes(range(8)), bytes(range(8, 16)), 1_767_323_045_000),
)

write("starting", "node a has just started: no echo, nothing known", datagram(1, KEY_1, prefix(0, 1, 1), STARTING))
write(
    "active", "node a holds the address, and hears node b",
    datagram(1, KEY_1, prefix(0, 0x0123456789ABCDEF, 4711, (0xFEDCBA9876543210, 815, 1234)), ACTIVE),
)
write(
    "unfit", "node b yields a misplaced address, by the peer's word; signed with key 2, key 1 accepted",
    datagram(
        1, KEY_2, prefix(1, 2**64 - 1, 2**64 - 1, (3, 4, 2**32 - 1)),
        report(
            False, 2**32 - 1, "i-0bbbbbbbbbbbbbbbb", "us-east-1b", unfit(2), False, False,
            word(misplaced(1), None, PEER, 2**64 - 1), False, True, "0.1.0", notice=LEAVING,
        ),
        KEY_1,
    ),
)
write(
    "claiming", "node b, its host on its way down, claims from a stranger's hold; without a key",
    datagram(
        1, INSECURE, prefix(1, 7, 8, (9, 10, 0)),
        report(
            False, 50_000, "i-0bbbbbbbbbbbbbbbb", "us-east-1b", unfit(1), False, True,
            word(STRANGER, "eipassoc-0fedcba9876543210", EC2, 0), True, False, "0.1.0",
        ),
    ),
)
write(
    "nobody", "node a's service is gone; its own reply said that nobody holds the address",
    datagram(
        1, KEY_1, prefix(0, 5, 6),
        report(False, 10_000, None, "", unfit(0), False, False, word(NOBODY, None, REPLY, 1), False, False, ""),
    ),
)
write(
    "former", "node a sees the address with the instance that was node b before; a hold of node a is over",
    datagram(
        1, KEY_1, prefix(0, 5, 7),
        report(
            False, 200_000, None, "", FIT, False, True, word(FORMER, None, EC2, 0), False, False, "",
            hold=hold(2**64 - 1, 0, 0),
            card=card(bytes([0xFF] * 8), None, 0),
        ),
    ),
)
write(
    "ending", "node a has nine minutes until maintenance takes its host, and yields",
    datagram(
        1, KEY_1, prefix(0, 5, 8),
        report(
            False, 200_000, None, "", FIT, False, False, word(member(0), None, IMDS, 0), False, True, "",
            notice=HOST_ENDS,
        ),
    ),
)
write(
    "paths", "version 0: node b hears by the second of its paths, and by no other",
    datagram(0, KEY_1, prefix(1, 11, 12, (13, 14, 15), paths=0b10), b""),
)
write("prefix-only", "version 0: a prefix and no report", datagram(0, KEY_1, prefix(1, 11, 12, (13, 14, 15)), b""))
write(
    "future", "version 2: a prefix as ever, and a report that version 1 cannot read",
    datagram(2, KEY_1, prefix(1, 11, 13, (13, 14, 15)), bytes(range(200, 256))),
)


# What witnesses carry. The witness has a key of its own.
WITNESS_KEY = (7, bytes([0x5A] * 32))
REQUEST, QUESTION, PASSED_ON, ANSWER = range(4)
NONCE = bytes(range(0x40, 0x50))


def signed(kind, key, body):
    key_id, secret = key
    data = struct.pack("<4sBBBB", b"PAIW", 1, kind, key_id, 0) + body
    return data + hmac.new(secret, data, hashlib.sha256).digest()


def talk(sender, fitness, incarnation):
    pair_id = hashlib.sha256(PAIR.encode()).digest()[:8]
    return pair_id + struct.pack("<BBHQ", sender, fitness, 0, incarnation) + NONCE


def request(address, question):
    return signed(REQUEST, WITNESS_KEY, address + question)


V4 = struct.pack("<BBH", 4, 0, 7695) + bytes([10, 0, 1, 10]) + bytes(12)
V6 = struct.pack("<BBH", 6, 0, 7695) + bytes.fromhex("20010db8000000000000000000000001")
ASKED = signed(QUESTION, KEY_1, talk(1, 0, 0xFEDCBA9876543210))

write("witness-request", "node b asks a witness about node a at 10.0.1.10", request(V4, ASKED))
write("witness-request-ipv6", "the same, and node a is at 2001:db8::1", request(V6, ASKED))
write("witness-question", "what the witness passes on to node a", ASKED)
write("witness-passed-on", "the witness tells node b that it has done so", signed(PASSED_ON, WITNESS_KEY, NONCE))
write("witness-answer", "node a answers: it lives, and its service is fit", signed(ANSWER, KEY_1, talk(0, 1, 0x0123456789ABCDEF)))
write("witness-answer-unfit", "node a answers: it lives, and its service is unfit", signed(ANSWER, KEY_1, talk(0, 2, 0x0123456789ABCDEF)))
