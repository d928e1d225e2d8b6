"""The protocol between the benchmark and a peer: percent-encoded queries come one a line; what is said is `ready VERSION`,
`ok MILLISECONDS ROWS` or `error WHY`, one a line."""

import sys
import time
from urllib.parse import unquote


def say(*words):
    print(" ".join(" ".join(str(word) for word in words).split())[:300], flush=True)


def answer(version, run):
    """Answers each query by `run`, which gives the number of its rows."""
    say("ready", version)
    for line in sys.stdin:
        begun = time.perf_counter()
        try:
            rows = run(unquote(line.rstrip("\n")))
        except Exception as error:
            say("error", type(error).__name__, error)
        else:
            say("ok", f"{(time.perf_counter() - begun) * 1e3:.3f}", rows)
