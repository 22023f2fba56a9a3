"""A peer for bench/summary.bench.mjs: the way of Triton's trace_summary.py (v2.43), in words of our own.

The whole file as Python objects, sorted by id; for each front end, which ids are its requests or were made by them;
their fragments put together in a dict; sums by model. Prints what the original does, without -t and the data flow.
"""
import json
import sys

PHASES = (
    ("QUEUE", "QUEUE_START", "COMPUTE_START"),
    ("COMPUTE", "COMPUTE_START", "COMPUTE_END"),
)
INNER = (
    ("INPUT", "COMPUTE_START", "COMPUTE_INPUT_END"),
    ("INFER", "COMPUTE_INPUT_END", "COMPUTE_OUTPUT_START"),
    ("OUTPUT", "COMPUTE_OUTPUT_START", "COMPUTE_END"),
)
HTTP = (
    ("WHOLE", "HTTP_RECV_START", "HTTP_SEND_END"),
    ("Receive", "HTTP_RECV_START", "HTTP_RECV_END"),
    ("Send", "HTTP_SEND_START", "HTTP_SEND_END"),
)
GRPC = (
    ("WHOLE", "GRPC_WAITREAD_END", "GRPC_SEND_END"),
    ("Send", "GRPC_SEND_START", "GRPC_SEND_END"),
)


def requests_of(fragments, first_stamp):
    """The fragments of each request of a front end, and of those it led to, put together by id."""
    ids = set()
    for fragment in fragments:
        if "parent_id" in fragment:
            if fragment["parent_id"] in ids:
                ids.add(fragment["id"])
            continue
        if any(first_stamp in stamp["name"] for stamp in fragment.get("timestamps", ())):
            ids.add(fragment["id"])
    requests = {}
    for fragment in fragments:
        if fragment["id"] not in ids:
            continue
        request = requests.setdefault(fragment["id"], {"stamps": {}})
        for key in ("model_name", "model_version"):
            if key in fragment:
                request[key] = fragment[key]
        for stamp in fragment.get("timestamps", ()):
            request["stamps"][stamp["name"]] = stamp["ns"]
    return requests


def add(sums, stamps, intervals):
    for name, start, end in intervals:
        if stamps[end] < stamps[start]:
            raise ValueError(f"{end} before {start}")
        sums[name] = sums.get(name, 0) + stamps[end] - stamps[start]


def summarize(fragments, front_end, intervals, first_stamp):
    groups = {}
    for request in requests_of(fragments, first_stamp).values():
        stamps = request["stamps"]
        if "REQUEST_START" not in stamps or "REQUEST_END" not in stamps:
            continue
        group = groups.setdefault((request["model_name"], request["model_version"]), [0, {}])
        group[0] += 1
        sums = group[1]
        if intervals[0][1] in stamps and intervals[0][2] in stamps:
            add(sums, stamps, intervals)
        add(sums, stamps, (("Handler", "REQUEST_START", "REQUEST_END"),))
        for phase in PHASES:
            if phase[1] in stamps and phase[2] in stamps:
                add(sums, stamps, (phase,))
        if "COMPUTE_INPUT_END" in stamps and "COMPUTE_OUTPUT_START" in stamps:
            add(sums, stamps, INNER)
    for (name, version), (count, sums) in groups.items():
        average = lambda label, total: print(f"{label} (avg): {total / (count * 1000)}us")
        print(f"Summary for {name} ({version}): trace count = {count}")
        if "WHOLE" in sums:
            average(f"{front_end} infer request", sums["WHOLE"])
            for label, _, _ in intervals[1:]:
                average(f"\t{label}", sums[label])
            if front_end == "HTTP":
                average("\tOverhead", sums["WHOLE"] - sums["Handler"] - sums["Receive"] - sums["Send"])
            print()
        average("\tHandler", sums["Handler"])
        if "QUEUE" in sums and "COMPUTE" in sums:
            average("\t\tOverhead", sums["Handler"] - sums["QUEUE"] - sums["COMPUTE"])
            average("\t\tQueue", sums["QUEUE"])
            average("\t\tCompute", sums["COMPUTE"])
        if "INPUT" in sums and "OUTPUT" in sums:
            for label in ("INPUT", "INFER", "OUTPUT"):
                average(f"\t\t\t{label.capitalize()}", sums[label])


for path in sys.argv[1:]:
    with open(path) as file:
        everything = json.loads(file.read())
    print(f"File: {path}")
    everything = sorted((each for each in everything if "id" in each), key=lambda each: each["id"])
    summarize(everything, "HTTP", HTTP, "HTTP_RECV_START")
    summarize(everything, "GRPC", GRPC, "GRPC_WAITREAD_START")
