"""Limits of kithd's TLS for strangers: elliptic key exchange only, TLS 1.3 only, key updates within a bound.

usage: tls_test.py KITHD
"""
import re
import subprocess
import sys
import tempfile

KITHD = sys.argv[1]
ACCEPTED = ["X25519", "P-256", "P-384"]
REFUSED = ["ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192", "P-521", "X448"]
KEY_UPDATES_MAX = 32  # limits::key_updates_max


def s_client(port, *arguments, text="", wait=20):
    """The transcript of one `openssl s_client`, which ends when its input does."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *arguments],
                          input=text, capture_output=True, text=True, timeout=wait)
    return done.stdout + done.stderr


def agreed(transcript):
    return "Cipher is TLS_" in transcript and "(NONE)" not in transcript


def key_updates_taken(port, count):
    """Sends key updates one after the other, then a request: True if it is answered."""
    process = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seen = b""
    while b"read R BLOCK" not in seen and b"Extended master secret" not in seen and b"\n---\n" not in seen[-400:]:
        got = process.stdout.read1(4096)
        if not got:
            break
        seen += got
    try:
        for _ in range(count):
            process.stdin.write(b"K\n")  # s_client reads one command in each piece of its input
            process.stdin.flush()
            seen = b""
            while b"KEYUPDATE" not in seen:
                got = process.stdout.read1(4096)
                if not got:
                    return False
                seen += got
        process.stdin.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        process.stdin.flush()
        while b"200 OK" not in seen:
            got = process.stdout.read1(4096)
            if not got:
                return False
            seen += got
        return True
    except BrokenPipeError:
        return False
    finally:
        process.kill()
        process.wait()


def check(port):
    for group in ACCEPTED:
        assert agreed(s_client(port, "-tls1_3", "-groups", group)), f"{group} is refused"
    for group in REFUSED:
        assert not agreed(s_client(port, "-tls1_3", "-groups", group)), f"{group} is accepted"
    mixed = s_client(port, "-tls1_3", "-groups", "ffdhe8192:P-256")
    assert agreed(mixed), "a client that has finite fields too is refused"
    assert "Server Temp Key: ECDH, prime256v1" in mixed, "a client that has both is given the finite field"
    assert not agreed(s_client(port, "-tls1_2")), "TLS 1.2 is accepted"
    assert key_updates_taken(port, KEY_UPDATES_MAX // 2), "a few key updates end the connection"
    assert not key_updates_taken(port, KEY_UPDATES_MAX * 2), "key updates have no bound"


def main():
    with tempfile.TemporaryDirectory(prefix="kith-tls-") as folder:
        process = subprocess.Popen([KITHD, "--dev", "--data", f"{folder}/data", "--port", "0"],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            for line in process.stdout:
                found = re.search(r"listening on wss://127\.0\.0\.1:(\d+)", line)
                if found:
                    check(int(found.group(1)))
                    print("ok: TLS takes what is cheap and elliptic only")
                    return
            raise RuntimeError("kithd did not start")
        finally:
            process.terminate()
            process.wait()


main()
