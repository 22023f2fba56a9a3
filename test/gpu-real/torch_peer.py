"""The plan of tests/13-torch.mjs under torch.profiler: the same library, called from Python.

Prints one line of JSON: what the profiler's trace says of kernels and copies, and what it adds to a launch.
"""
import ctypes
import json
import os
import statistics
import sys
import tempfile


def main():
    try:
        import torch
        from torch.profiler import ProfilerActivity, profile
    except ImportError as error:
        print(json.dumps({"reason": f"no PyTorch: {error}"}))
        return
    if not torch.cuda.is_available():
        print(json.dumps({"reason": "PyTorch sees no GPU"}))
        return
    library, plan = ctypes.CDLL(sys.argv[1]), json.loads(sys.argv[2])
    torch.zeros(1, device="cuda")

    def call(name, *arguments):
        code = getattr(library, name)(*arguments)
        if code != 0:
            library.gs_error.restype = ctypes.c_char_p
            raise RuntimeError(f"{name}: {library.gs_error().decode()} ({code})")

    def work():
        call("gs_spin", ctypes.c_double(plan["spinUs"]), plan["spins"], 1, None, None)
        call("gs_sync")
        host_ns, size = ctypes.c_double(), ctypes.c_ulonglong(plan["copyBytes"])
        for _ in range(plan["copies"]):
            call("gs_copy", 1, 2, 3, 1, size, ctypes.byref(host_ns))
            call("gs_copy", 2, 3, 2, 1, size, ctypes.byref(host_ns))

    def launch_cost():
        ns = ctypes.c_double()
        call("gs_launch_cost", 0, plan["launches"], 1, ctypes.byref(ns))
        return ns.value

    def profiled():
        return profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA])

    call("gs_open")
    # Before the profiler's first start: what it leaves behind costs a launch something too.
    launch_cost()
    off = [launch_cost() for _ in range(plan["rounds"])]
    call("gs_copy_prepare", ctypes.c_ulonglong(plan["copyBytes"]), 0)
    work()
    with profiled():  # its first start costs seconds
        work()
    with profiled() as recording:
        work()
    kernels, copies = events_of(recording)

    on = []
    for _ in range(plan["rounds"]):
        with profiled():
            on.append(launch_cost())
    print(
        json.dumps(
            {
                "version": torch.__version__,
                "kernels": len(kernels),
                "kernelUs": statistics.median(event["dur"] for event in kernels),
                "copyBytes": sum(event["args"]["bytes"] for event in copies),
                "addedNs": min(on) - min(off),
            }
        )
    )


def events_of(recording):
    """Kernels of the plan and copies in the profiler's own trace file."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trace.json")
        recording.export_chrome_trace(path)
        with open(path, encoding="utf-8") as file:
            events = json.load(file)["traceEvents"]
    kernels = [e for e in events if e.get("cat") == "kernel" and e["name"].startswith("gs_spin_kernel")]
    return kernels, [e for e in events if e.get("cat") == "gpu_memcpy"]


main()
