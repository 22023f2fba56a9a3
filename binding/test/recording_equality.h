// What makes two recordings equal.
#pragma once

#include "core/columns.h"
#include "doctest.h"

namespace opscope::test {

template <typename Row, typename Equal>
void CheckTable(const Column<Row>& a, const Column<Row>& b, const char* table, Equal equal) {
  REQUIRE_MESSAGE(a.size() == b.size(), table);
  for (size_t i = 0; i < a.size(); ++i) REQUIRE_MESSAGE(equal(a[i], b[i]), table << " " << i);
}

inline void CheckEqualDetails(const GpuDetails& a, const GpuDetails& b) {
  CheckTable(a.kernels, b.kernels, "kernel", [](const KernelRow& x, const KernelRow& y) {
    return x.row == y.row && x.grid_x == y.grid_x && x.grid_y == y.grid_y && x.grid_z == y.grid_z &&
           x.block_x == y.block_x && x.block_y == y.block_y && x.block_z == y.block_z &&
           x.registers_per_thread == y.registers_per_thread &&
           x.static_shared_bytes == y.static_shared_bytes &&
           x.dynamic_shared_bytes == y.dynamic_shared_bytes &&
           x.executed_shared_bytes == y.executed_shared_bytes &&
           x.local_bytes_per_thread == y.local_bytes_per_thread && x.graph_id == y.graph_id &&
           x.graph_node_id == y.graph_node_id && x.queued_ns == y.queued_ns &&
           x.submitted_ns == y.submitted_ns;
  });
  CheckTable(a.overheads, b.overheads, "overhead", [](const GpuOverheadRow& x, const GpuOverheadRow& y) {
    return x.start_ns == y.start_ns && x.end_ns == y.end_ns && x.kind == y.kind && x.process == y.process;
  });
  CheckTable(a.memory, b.memory, "memory row", [](const GpuMemoryRow& x, const GpuMemoryRow& y) {
    return x.at_ns == y.at_ns && x.address == y.address && x.bytes == y.bytes &&
           x.correlation_id == y.correlation_id && x.device == y.device && x.context == y.context &&
           x.stream == y.stream && x.span == y.span && x.kind == y.kind && x.is_release == y.is_release;
  });
  REQUIRE(a.devices.size() == b.devices.size());
  for (size_t i = 0; i < a.devices.size(); ++i) {
    const GpuDevice &x = a.devices[i], &y = b.devices[i];
    CHECK(x.id == y.id);
    CHECK(x.name == y.name);
    CHECK(x.uuid == y.uuid);
    CHECK(x.memory_bytes == y.memory_bytes);
    CHECK(x.memory_bandwidth_kb_per_s == y.memory_bandwidth_kb_per_s);
    CHECK(x.compute_major == y.compute_major);
    CHECK(x.compute_minor == y.compute_minor);
    CHECK(x.multiprocessors == y.multiprocessors);
    CHECK(x.copy_engines == y.copy_engines);
    CHECK(x.max_warps_per_sm == y.max_warps_per_sm);
    CHECK(x.max_blocks_per_sm == y.max_blocks_per_sm);
    CHECK(x.max_shared_per_sm == y.max_shared_per_sm);
    CHECK(x.max_registers_per_sm == y.max_registers_per_sm);
    CHECK(x.max_registers_per_block == y.max_registers_per_block);
    CHECK(x.max_shared_per_block == y.max_shared_per_block);
    CHECK(x.core_clock_khz == y.core_clock_khz);
    CHECK(x.is_mig == y.is_mig);
    CHECK(x.process == y.process);
    CHECK(x.ordinal == y.ordinal);
  }
  REQUIRE(a.contexts.size() == b.contexts.size());
  for (size_t i = 0; i < a.contexts.size(); ++i) {
    CHECK(a.contexts[i].id == b.contexts[i].id);
    CHECK(a.contexts[i].device == b.contexts[i].device);
    CHECK(a.contexts[i].null_stream == b.contexts[i].null_stream);
  }
  REQUIRE(a.stream_names.size() == b.stream_names.size());
  for (size_t i = 0; i < a.stream_names.size(); ++i) {
    CHECK(a.stream_names[i].context == b.stream_names[i].context);
    CHECK(a.stream_names[i].stream == b.stream_names[i].stream);
    CHECK(a.stream_names[i].name == b.stream_names[i].name);
  }
}

inline void CheckEqual(const Recording& a, const Recording& b) {
  REQUIRE(a.names == b.names);
  REQUIRE(a.strings == b.strings);
  REQUIRE(a.processes == b.processes);
  REQUIRE(a.threads.size() == b.threads.size());
  for (size_t i = 0; i < a.threads.size(); ++i) {
    const ThreadEntry &x = a.threads[i], &y = b.threads[i];
    CHECK(x.name == y.name);
    CHECK(x.os_thread_id == y.os_thread_id);
    CHECK(x.js_thread_id == y.js_thread_id);
    CHECK(x.first_row == y.first_row);
    CHECK(x.row_count == y.row_count);
    CHECK(x.process == y.process);
  }
  const auto same = [](auto x, auto y) { return x == y; };
  CheckTable(a.spans.start_ns, b.spans.start_ns, "start", same);
  CheckTable(a.spans.name, b.spans.name, "name", same);
  CheckTable(a.spans.duration_ns, b.spans.duration_ns, "duration", same);
  CheckTable(a.spans.flags, b.spans.flags, "flags", same);
  CheckTable(a.spans.parent, b.spans.parent, "parent", same);
  CheckTable(a.spans.gpu_ns, b.spans.gpu_ns, "gpu time", same);
  CheckTable(a.asyncs, b.asyncs, "async", [](const AsyncRow& x, const AsyncRow& y) {
    return x.row == y.row && x.return_ns == y.return_ns;
  });
  CheckTable(a.ids, b.ids, "id", [](const IdRow& x, const IdRow& y) {
    return x.row == y.row && x.span_id == y.span_id && x.remote_parent_id == y.remote_parent_id &&
           x.trace_id_high == y.trace_id_high && x.trace_id_low == y.trace_id_low;
  });
  CheckTable(a.attributes, b.attributes, "attribute", [](const AttributeRow& x, const AttributeRow& y) {
    return x.row == y.row && x.key == y.key && x.type == y.type && x.integer == y.integer;
  });
  CheckTable(a.links, b.links, "link", [](const LinkRow& x, const LinkRow& y) {
    return x.row == y.row && x.span_id == y.span_id && x.trace_id_high == y.trace_id_high &&
           x.trace_id_low == y.trace_id_low;
  });
  CheckTable(a.marks, b.marks, "mark", [](const MarkRow& x, const MarkRow& y) {
    return x.at_ns == y.at_ns && x.name == y.name && x.thread == y.thread && x.span == y.span;
  });
  CheckTable(a.counters, b.counters, "counter", [](const CounterRow& x, const CounterRow& y) {
    return x.at_ns == y.at_ns && x.name == y.name && x.thread == y.thread && x.value == y.value;
  });
  CheckTable(a.launches, b.launches, "launch", [](const LaunchRow& x, const LaunchRow& y) {
    return x.start_ns == y.start_ns && x.end_ns == y.end_ns && x.name == y.name &&
           x.correlation_id == y.correlation_id && x.thread == y.thread && x.span == y.span &&
           x.flags == y.flags;
  });
  CheckTable(a.gpu, b.gpu, "gpu row", [](const GpuRow& x, const GpuRow& y) {
    return x.start_ns == y.start_ns && x.end_ns == y.end_ns && x.name == y.name &&
           x.correlation_id == y.correlation_id && x.bytes == y.bytes && x.device == y.device &&
           x.context == y.context && x.stream == y.stream && x.launch == y.launch && x.span == y.span &&
           x.kind == y.kind && x.from == y.from && x.to == y.to;
  });
  CheckEqualDetails(a.gpu_details, b.gpu_details);
  CheckTable(a.contexts, b.contexts, "context", [](const ContextRow& x, const ContextRow& y) {
    return x.start_ns == y.start_ns && x.end_ns == y.end_ns && x.thread == y.thread && x.span == y.span;
  });
  CheckTable(a.unseen_brackets, b.unseen_brackets, "unseen bracket",
             [](const BracketRow& x, const BracketRow& y) {
               return x.start_ns == y.start_ns && x.end_ns == y.end_ns && x.process == y.process;
             });
  REQUIRE(a.pauses.size() == b.pauses.size());
  for (size_t i = 0; i < a.pauses.size(); ++i) {
    CHECK(a.pauses[i].start_ns == b.pauses[i].start_ns);
    CHECK(a.pauses[i].end_ns == b.pauses[i].end_ns);
    CHECK(a.pauses[i].process == b.pauses[i].process);
  }
  REQUIRE(a.warnings.size() == b.warnings.size());
  for (size_t i = 0; i < a.warnings.size(); ++i) {
    CHECK(a.warnings[i].code == b.warnings[i].code);
    CHECK(a.warnings[i].detail == b.warnings[i].detail);
    CHECK(a.warnings[i].count == b.warnings[i].count);
  }
  CHECK(a.duration_ns == b.duration_ns);
  CHECK(a.origin_epoch_ns == b.origin_epoch_ns);
  CHECK(a.origin_clock_ns == b.origin_clock_ns);
  CHECK(a.process_id == b.process_id);
  CHECK(a.dropped == b.dropped);
  CHECK(a.unfinished == b.unfinished);
  CHECK(a.meta_json == b.meta_json);
}

}  // namespace opscope::test
