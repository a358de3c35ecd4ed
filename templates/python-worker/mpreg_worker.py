"""Functions for an mpreg node, in Python, with nothing but the standard library.

    from mpreg_worker import function, serve

    @function(description="adds two numbers")
    def add(a, b):
        return a + b

    serve()

The node starts this program, writes one line of JSON per call to its stdin and reads the answers from its stdout. Calls
run in threads, several at once; a generator's items are sent as they come. What functions print goes to the node's log.
A function calls others, wherever in the mesh they are, with call("name", argument, …).
"""

import array
import base64
import contextvars
import datetime
import inspect
import itertools
import json
import math
import os
import sys
import threading
import traceback
from concurrent.futures import Future, ThreadPoolExecutor

_functions = {}
_declared = []
_call = contextvars.ContextVar("call")
_writing = threading.Lock()
_numbers = itertools.count(1)
_asked = {}


class Cancelled(Exception):
    """Raised by check(): nobody waits for this call any more."""


class CallFailed(Exception):
    """A call that a function made has failed. `code` says how, `node` where, `problem` all that is known."""

    def __init__(self, problem):
        super().__init__(problem["message"])
        self.code = problem["code"]
        self.node = problem.get("node")
        self.problem = problem


class Call:
    """What a function may ask about the call that it runs for: context() returns it."""

    def __init__(self, request, say):
        self._say = say
        self.id = request["id"]
        self.step = request.get("step")
        deadline = request.get("deadlineMs")
        #: Seconds since the epoch; None where there is no deadline.
        self.deadline = None if deadline is None else deadline / 1000
        self._cancelled = threading.Event()
        self._room = threading.Event()  # for more items
        self._room.set()

    @property
    def cancelled(self):
        return self._cancelled.is_set()

    def check(self):
        """Call it now and then in long work: raises Cancelled when the caller went away or the deadline passed."""
        if self.cancelled:
            raise Cancelled("the call was cancelled")


    def call(self, fun, *args, _options=None, **kwargs):
        """Calls a function of the mesh and waits for its value. See call()."""
        asked = {"id": self.id, "call": next(_numbers), "fun": fun, "args": [_to_json(arg) for arg in args]}
        if kwargs:
            asked["kwargs"] = {key: _to_json(value) for key, value in kwargs.items()}
        answer = _asked[asked["call"]] = Future()
        try:
            self._say({**asked, **(_options or {})})
            said = answer.result()
        finally:
            del _asked[asked["call"]]
        if "error" in said:
            raise CallFailed(said["error"])
        return _from_json(said.get("result"))


def call(fun, *args, **kwargs):
    """Calls a function, wherever in the mesh it is, and waits for its value. Raises CallFailed.

    It gets at most the time that the call that runs now has left, and is cancelled with it. For several at once, use
    threads: context() before you start them, and its .call() in them. `_options` may hold locs, node, version,
    functionId, timeoutMs and idempotent: call("train", data, _options={"locs": ["gpu"]})."""
    return context().call(fun, *args, **kwargs)


def context():
    """The call that runs now. Raises LookupError outside of one."""
    return _call.get()


def function(run=None, *, name=None, **about):
    """Offers a function. `about`: version, description, resources, idempotent, timeoutMs, concurrency, queue, args."""

    def offer(run):
        known_as = name or run.__name__
        described = dict(about)
        if run.__doc__:
            described.setdefault("description", inspect.cleandoc(run.__doc__).splitlines()[0])
        _functions[known_as] = run
        _declared.append({"name": known_as, **described})
        return run

    return offer if run is None else offer(run)


def serve(threads=16):
    """Answers calls until the node ends stdin. At most `threads` run at once, and those that they call."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what functions print is no answer
    pool = ThreadPoolExecutor(threads)
    running = {}

    def say(what):
        line = json.dumps(what, allow_nan=False)
        with _writing:
            answers.write(line + "\n")
            answers.flush()

    def run(call, request):
        _call.set(call)
        try:
            call.check()
            kwargs = {key: _from_json(value) for key, value in request.get("kwargs", {}).items()}
            args = [_from_json(value) for value in request["args"]]
            value = _functions[request["fun"]](*args, **kwargs)
            if inspect.isgenerator(value):
                value = _send_items(value, call, say)
            say({"id": call.id, "result": _to_json(value)})
        except BaseException as error:
            stack = traceback.format_exc()
            say({"id": call.id, "error": {"name": type(error).__name__, "message": str(error), "stack": stack}})
        finally:
            running.pop(call.id, None)

    say({"hello": {"functions": _declared}})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if "cancel" in request:
            call = running.get(request["cancel"])
            if call is not None:
                call._cancelled.set()
                call._room.set()
        elif "pause" in request or "resume" in request:
            call = running.get(request.get("pause", request.get("resume")))
            if call is not None and not call.cancelled:
                call._room.clear() if "pause" in request else call._room.set()
        elif "called" in request:
            answer = _asked.get(request["called"])
            if answer is not None:
                answer.set_result(request)
        elif "id" in request:
            call = running[request["id"]] = Call(request, say)
            # What a function waits for must not wait for that function's thread.
            start = _in_thread if "depth" in request else pool.submit
            start(contextvars.Context().run, run, call, request)
    os._exit(0)  # the node is gone, or has waited long enough


def _in_thread(run, *args):
    threading.Thread(target=run, args=args, daemon=True).start()


def _send_items(items, call, say):
    """Sends what a generator yields; answers what it returns."""
    try:
        while True:
            call._room.wait()
            call.check()
            say({"id": call.id, "item": _to_json(next(items))})
    except StopIteration as end:
        return end.value
    finally:
        items.close()


# Values that JSON has no form for are objects with one key that begins with $: {"$bytes": "AQI="}.

_NUMBERS = {
    "Int8Array": "b",
    "Uint8ClampedArray": "B",
    "Int16Array": "h",
    "Uint16Array": "H",
    "Int32Array": "i",
    "Uint32Array": "I",
    "Float32Array": "f",
    "Float64Array": "d",
    "BigInt64Array": "q",
    "BigUint64Array": "Q",
}
_TAGS = {
    "$bigint": int,
    "$bytes": base64.b64decode,
    "$date": lambda text: datetime.datetime.fromisoformat(text.replace("Z", "+00:00")),
    "$lit": lambda inner: {key: _from_json(value) for key, value in inner.items()},
    "$map": lambda pairs: {_from_json(key): _from_json(value) for key, value in pairs},
    "$number": float,
    "$numbers": lambda inner: array.array(_NUMBERS[inner[0]], base64.b64decode(inner[1])),
    "$set": lambda items: {_from_json(item) for item in items},
    "$undefined": lambda _: None,
}


def _from_json(value):
    if isinstance(value, list):
        return [_from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(key, inner)] = value.items()
        if key in _TAGS:
            return _TAGS[key](inner)
    return {key: _from_json(item) for key, item in value.items()}


def _to_json(value):
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else {"$bigint": str(value)}
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return {"$number": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, array.array):
        kind = next(kind for kind, code in _NUMBERS.items() if code == value.typecode)
        return {"$numbers": [kind, base64.b64encode(value.tobytes()).decode()]}
    if isinstance(value, datetime.datetime):
        return {"$date": value.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")}
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return {"$set": [_to_json(item) for item in value]}
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            return {"$map": [[_to_json(key), _to_json(item)] for key, item in value.items()]}
        plain = {key: _to_json(item) for key, item in value.items()}
        return {"$lit": plain} if len(plain) == 1 and next(iter(plain)) in _TAGS else plain
    raise TypeError(f"a {type(value).__name__} cannot be sent: convert it to numbers, text, lists and dicts")
