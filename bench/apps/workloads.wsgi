# Every workload as a WSGI application.

import hashlib
import json
import os
import struct
import threading
import time
from urllib.parse import parse_qs

HELLO = b"Hello, world\n"
PLAIN = "text/plain;charset=UTF-8"
FILL = "x" * 48
local = threading.local()


def heavy():
    end = time.thread_time() + 0.005
    while time.thread_time() < end:
        pass
    return HELLO


def page():
    return "".join("<tr><td>%04d</td><td>%s</td></tr>\n" % (row, FILL) for row in range(128)).encode()


def thing(database):
    """A connection for each thread, and its prepared statement, outlive the request."""
    import psycopg2

    if not hasattr(local, "cursor"):
        connection = psycopg2.connect(database)
        connection.autocommit = True
        local.cursor = connection.cursor()
        local.cursor.execute("PREPARE thing AS SELECT id, name, price FROM things WHERE id = $1")
    local.cursor.execute("EXECUTE thing(7)")
    id, name, price = local.cursor.fetchone()
    return json.dumps({"id": id, "name": name, "price": price}, separators=(",", ":")).encode()


def upload(body):
    digest = hashlib.sha256()
    count = 0
    while piece := body.read(65536):
        digest.update(piece)
        count += len(piece)
    return json.dumps({"bytes": count, "sha256": digest.hexdigest()}).encode()


def pieces(count):
    """Those of pattern.ts: the first four bytes are the number."""
    with open(os.path.join(os.path.dirname(__file__), "piece"), "rb") as file:
        rest = file.read()[4:]
    return (struct.pack("<I", index) + rest for index in range(count))


def application(environ, start_response):
    name = environ["PATH_INFO"].rpartition("/")[2]
    type, body = PLAIN, HELLO
    if name == "heavy":
        body = heavy()
    elif name == "wait":
        time.sleep(0.05)
    elif name == "page":
        type, body = "text/html;charset=UTF-8", page()
    elif name == "json":
        type, body = "application/json", thing(environ["bench.database"])
    elif name == "upload":
        type, body = "application/json", upload(environ["wsgi.input"])
    elif name == "download":
        count = int(parse_qs(environ["QUERY_STRING"])["pieces"][0])
        start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(count * 65536))])
        return pieces(count)
    start_response("200 OK", [("Content-Type", type), ("Content-Length", str(len(body)))])
    return [body]
