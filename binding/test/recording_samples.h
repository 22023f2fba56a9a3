// Recordings for the tests of formats.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/raw_rows.h"
#include "doctest.h"
#include "recording_equality.h"

namespace opscope::test {

// Builds plain rows one span at a time; spans come thread by thread in begin order.
class CaptureRowsBuilder {
 public:
  RawRows rows;

  uint32_t Name(std::string text, Role role = Role::kOp, Category category = Category::kUser,
                std::string instance = "") {
    NameEntry entry;
    entry.text = std::move(text);
    entry.instance = std::move(instance);
    entry.category = category;
    entry.role = role;
    for (uint32_t i = 0; i < rows.names.size(); ++i) {
      if (rows.names[i] == entry) return i;
    }
    rows.names.push_back(std::move(entry));
    return static_cast<uint32_t>(rows.names.size() - 1);
  }
  uint32_t String(const std::string& text) {
    for (uint32_t i = 0; i < rows.strings.size(); ++i) {
      if (rows.strings[i] == text) return i;
    }
    rows.strings.push_back(text);
    return static_cast<uint32_t>(rows.strings.size() - 1);
  }
  uint32_t Thread(std::string name, int64_t os_id, int32_t js_id) {
    rows.threads.push_back({std::move(name), os_id, js_id});
    return static_cast<uint32_t>(rows.threads.size() - 1);
  }
  int32_t Span(uint32_t thread, uint32_t name, int64_t start_ns, int64_t end_ns, int32_t parent = kNoParent,
               uint8_t flags = 0) {
    const auto row = static_cast<int32_t>(rows.span_name.size());
    rows.span_thread.Append(thread);
    rows.span_name.Append(name);
    rows.span_start_ns.Append(start_ns);
    rows.span_end_ns.Append(end_ns);
    rows.span_flags.Append(flags);
    rows.span_parent.Append(parent);
    return row;
  }
  void Ids(int32_t row, uint64_t id, uint64_t remote = 0, uint64_t high = 0, uint64_t low = 0) {
    const std::pair<Column<uint64_t>*, uint64_t> columns[] = {{&rows.span_id, id},
                                                              {&rows.span_parent_id, remote},
                                                              {&rows.span_trace_high, high},
                                                              {&rows.span_trace_low, low}};
    for (auto [column, value] : columns) {
      while (column->size() < static_cast<size_t>(row)) column->Append(0);
      column->Append(value);
    }
  }
  void Attribute(int32_t row, const std::string& key, AttributeType type, int64_t integer,
                 double number = 0) {
    AttributeRow attribute;
    attribute.integer = integer;
    if (type == AttributeType::kDouble) attribute.number = number;
    attribute.row = static_cast<uint32_t>(row);
    attribute.key = String(key);
    attribute.type = type;
    rows.attributes.Append(attribute);
  }
  std::shared_ptr<const Recording> Build() {
    for (Column<uint64_t>* column :
         {&rows.span_id, &rows.span_parent_id, &rows.span_trace_high, &rows.span_trace_low}) {
      while (!rows.span_id.empty() && column->size() < rows.span_name.size()) column->Append(0);
    }
    std::shared_ptr<const Recording> recording;
    const Status status = BuildRecording(std::move(rows), &recording);
    REQUIRE_MESSAGE(status.ok(), status.detail);
    return recording;
  }
};

// One of everything, most of it odd.
inline std::shared_ptr<const Recording> OddRecording() {
  CaptureRowsBuilder b;
  RawRows& rows = b.rows;
  rows.origin_epoch_ns = 1763780000000000123;
  rows.origin_clock_ns = 987654321012345;
  rows.process_id = 4242;
  rows.duration_ns = 10'000'000;
  rows.dropped = 17;
  rows.meta_json = R"({"options":{"state":"All"},"text":"\u0000 \"quoted\""})";
  rows.pauses = {{5'000, 6'000}, {7'000, 7'000}};
  rows.warnings = {{"dropped-spans", "17 spans", 17}, {"odd", "", 0}};
  b.String("never used");
  const uint32_t main_thread = b.Thread("main", 4242, 0);
  const uint32_t worker = b.Thread("", 4242, 3);  // an id given twice
  const uint32_t unknown = b.Thread("pool \"1\"\n", 0, -1);
  const uint32_t mul = b.Name("matmul", Role::kOp, Category::kCpuOp);
  const uint32_t compute = b.Name("compute", Role::kPhase, Category::kCpuOp);
  const uint32_t one = b.Name("matmul", Role::kInstance, Category::kCpuOp, "out_0");
  const uint32_t mul_user = b.Name("matmul");
  const uint32_t request = b.Name("request / é\x01", Role::kOp, Category::kRequest);
  const uint32_t gc = b.Name("gc", Role::kOp, Category::kGc);
  const uint32_t copy = b.Name("GpuMemcpySync:CPU->GPU", Role::kCopy, Category::kMemcpy);
  b.Name("unused name", Role::kSpecial, Category::kInference);

  const int32_t outer = b.Span(main_thread, request, 1'000, 900'000);
  b.Ids(outer, 0xfedcba9876543210, 0x8000000000000001, 0x0123456789abcdef, 1);
  b.Attribute(outer, "text", AttributeType::kString, b.String("valeur é"));
  b.Attribute(outer, "pi", AttributeType::kDouble, 0, 3.141592653589793);
  b.Attribute(outer, "count", AttributeType::kInt, -5);
  b.Attribute(outer, "span_id", AttributeType::kBool, 1);
  b.Attribute(outer, "pi", AttributeType::kString, b.String(""));
  rows.links.Append({1, 2, 3, static_cast<uint32_t>(outer)});
  rows.links.Append({0, 0, 0xffffffffffffffff, static_cast<uint32_t>(outer)});
  const int32_t op = b.Span(main_thread, mul, 1'000, 2'000, outer);
  b.Span(main_thread, one, 1'000, 2'000, op);
  b.Span(main_thread, compute, 1'100, 2'000, op, kError);  // not where time would put it
  b.Span(main_thread, mul, 2'000, 2'000, op);              // no length, at the end of its parent
  b.Span(main_thread, mul, 2'000, 2'000, outer);           // the same, of a parent further out
  const int32_t async = b.Span(main_thread, request, 3'000, 400'000, outer, kAsync);
  b.Ids(async, 42);
  rows.span_returns.Append({5'000, static_cast<uint32_t>(async)});
  b.Span(main_thread, mul_user, 3'500, 4'000, async);
  const int32_t async2 = b.Span(main_thread, request, 4'100, 500'000, async, kAsync | kError);
  rows.span_returns.Append({4'200, static_cast<uint32_t>(async2)});
  b.Span(main_thread, request, 4'300, kOpenEnd, async2, kAsync);
  b.Span(main_thread, mul, 6'000, 7'000, async2);            // an async parent that returned long ago
  b.Span(main_thread, gc, 6'500, 8'000, kNoParent, kTimed);  // overlaps its neighbour
  b.Span(main_thread, gc, 6'600, 6'700, kNoParent, kTimed);  // a root inside another row
  b.Span(main_thread, copy, 9'000, 9'500, outer);            // a user's own copy row
  b.Span(main_thread, mul, 10'000, 20'000, outer);
  const int32_t open = b.Span(main_thread, mul, 950'000, kOpenEnd);
  b.Span(main_thread, compute, 960'000, 970'000, open);
  b.Span(main_thread, mul, 980'000, kOpenEnd, open);
  b.Span(worker, mul, 500, 700);
  b.Span(worker, mul, 700, 900);
  b.Span(worker, mul, 1'000, 30'000, async);  // a parent on another thread
  b.Span(worker, mul, 2'000, 3'000, static_cast<int32_t>(rows.span_name.size()) - 1);
  b.Span(worker, mul, 3'000, 40'000, open);  // an overlap of LIFO rows
  b.Span(worker, compute, 9'000'000'000'000'000, 9'000'000'000'000'001);
  rows.duration_ns = 9'000'000'000'000'002;

  rows.marks.Append({1'500, gc, main_thread, op});
  rows.marks.Append({4'000'000, gc, main_thread, kNoParent});
  rows.marks.Append({10, request, unknown, kNoParent});
  rows.counters.Append({1'500, 0.1, gc, main_thread});
  rows.counters.Append({1'600, -1e300, gc, main_thread});
  rows.counters.Append({1'600, 3, request, worker});

  const uint32_t launch_kernel = b.String("cudaLaunchKernel");
  const uint32_t memcpy_async = b.String("cudaMemcpyAsync");
  const uint32_t graph = b.String("cudaGraphLaunch");
  const uint32_t gemm = b.String("void gemm<float, 128>(float const*)");
  const uint32_t htod = b.String("Memcpy HtoD");
  rows.launches.Append({1'200, 1'300, 7, launch_kernel, main_thread, kNoParent});
  rows.launches.Append({1'400, 1'500, 8, memcpy_async, main_thread, kNoParent});
  rows.launches.Append({1'950, 2'100, 9, memcpy_async, main_thread, kNoParent});  // ends after its span
  rows.launches.Append({11'000, 12'000, 10, graph, main_thread, kNoParent});
  rows.launches.Append({11'100, 11'200, 11, launch_kernel, main_thread, kNoParent});  // inside another
  rows.launches.Append({2'000, 2'500, uint64_t{1} << 40, launch_kernel, worker, kNoParent});
  const auto gpu = [&](int64_t start, int64_t end, uint64_t correlation, uint32_t name, GpuKind kind,
                       uint32_t stream) {
    GpuRow row{};
    row.start_ns = start;
    row.end_ns = end;
    row.correlation_id = correlation;
    row.name = name;
    row.device = 1;
    row.context = stream == 7 ? 0 : 2;
    row.stream = stream;
    row.launch = -1;
    row.span = kNoParent;
    row.kind = kind;
    if (kind == GpuKind::kCopy) {
      row.bytes = 1u << 20;
      row.from = MemoryKind::kPinned;
      row.to = MemoryKind::kDevice;
    }
    rows.gpu.Append(row);
  };
  gpu(2'000, 3'000, 7, gemm, GpuKind::kKernel, 7);
  gpu(2'500, 3'500, 8, htod, GpuKind::kCopy, 7);  // overlaps on one stream
  gpu(3'000, 3'100, 9, htod, GpuKind::kCopy, 13);
  gpu(12'000, 12'100, 10, gemm, GpuKind::kKernel, 13);
  gpu(12'100, 12'300, 10, htod, GpuKind::kCopy, 13);  // of a graph
  gpu(12'300, 12'300, 10, b.String("MEMSET"), GpuKind::kFill, 13);
  gpu(12'400, 12'500, 99, gemm, GpuKind::kKernel, 13);  // an orphan
  gpu(12'450, 12'600, uint64_t{1} << 40, gemm, GpuKind::kKernel, 13);
  gpu(12'600, 13'000, 0, b.String("sync"), GpuKind::kSync, 13);

  GpuDetails& details = rows.gpu_details;
  KernelRow kernel{};
  kernel.row = 0;
  kernel.grid_x = UINT32_MAX;
  kernel.grid_y = kernel.grid_z = kernel.block_x = kernel.block_y = kernel.block_z = 1;
  kernel.registers_per_thread = 255;
  kernel.static_shared_bytes = 4'096;
  kernel.dynamic_shared_bytes = 65'536;
  kernel.executed_shared_bytes = 102'400;
  kernel.local_bytes_per_thread = 16;
  kernel.queued_ns = uint64_t{1} << 63;
  kernel.submitted_ns = UINT64_MAX;
  details.kernels.Append(kernel);
  kernel = {};
  kernel.row = 3;
  kernel.graph_id = 5;
  kernel.graph_node_id = uint64_t{5} << 32 | 1;
  details.kernels.Append(kernel);
  kernel = {};
  kernel.row = 6;  // all else 0
  details.kernels.Append(kernel);
  details.overheads.Append({100, 300, 1});
  details.overheads.Append({200, 250, 2u << 16});  // overlaps
  details.overheads.Append({200, 200, 12'345});
  details.memory.Append({1'250, 0x7f0000000000, 1u << 30, 7, 1, 0, 7, kNoParent, MemoryKind::kDevice, false});
  details.memory.Append({1'450, 0, 64, 0, 0, 2, 0, kNoParent, MemoryKind::kPinned, false});
  details.memory.Append({1'450, 0x7f0000000000, 1u << 30, 99, 1, 0, 7, kNoParent, MemoryKind::kDevice, true});
  details.memory.Append(
      {1'500, UINT64_MAX, UINT64_MAX, UINT64_MAX, 1, 2, 13, kNoParent, MemoryKind::kUnknown, true});
  GpuDevice device;
  device.id = 1;
  device.name = "NVIDIA \"H100\" é";
  device.uuid = "00112233445566778899aabbccddeeff";
  device.memory_bytes = uint64_t{80} << 30;
  device.memory_bandwidth_kb_per_s = 3'350'000'000;
  device.compute_major = 9;
  device.multiprocessors = 132;
  device.copy_engines = 3;
  device.max_warps_per_sm = 64;
  device.max_blocks_per_sm = 32;
  device.max_shared_per_sm = 233'472;
  device.max_registers_per_sm = device.max_registers_per_block = 65'536;
  device.max_shared_per_block = 49'152;
  device.core_clock_khz = 1'980'000;
  details.devices = {device, {}};
  details.devices[1].id = UINT32_MAX;
  details.devices[1].compute_minor = 6;
  details.devices[1].is_mig = true;
  details.contexts = {{2, 1, 7}, {0, 1, 0}};
  details.stream_names = {{2, 13, "decoder"}, {0, 7, ""}, {2, 99, "a \"quoted\" name\n"}};
  return b.Build();
}

// Many threads of random LIFO spans, with some odd rows between.
inline std::shared_ptr<const Recording> RandomRecording(uint32_t seed, uint32_t threads,
                                                        uint32_t spans_per_thread) {
  std::mt19937_64 random(seed);
  const auto below = [&random](uint64_t bound) { return random() % bound; };
  CaptureRowsBuilder b;
  std::vector<uint32_t> names;
  for (uint32_t i = 0; i < 40; ++i) {
    names.push_back(b.Name("op " + std::to_string(i), static_cast<Role>(i % 3),
                           static_cast<Category>(i % kCategoryCount),
                           i % 3 == 2 ? "var" + std::to_string(i) : ""));
  }
  int64_t last = 0;
  for (uint32_t t = 0; t < threads; ++t) {
    b.Thread("thread " + std::to_string(t), 1000 + t, static_cast<int32_t>(t));
    int64_t now = static_cast<int64_t>(t) * 10;
    struct OpenSpan {
      int64_t end;
      int32_t row;
    };
    std::vector<OpenSpan> open;
    for (uint32_t i = 0; i < spans_per_thread; ++i) {
      now += static_cast<int64_t>(below(100));
      while (!open.empty() && (open.back().end <= now || open.size() > 30)) open.pop_back();
      const int64_t longest = open.empty() ? 1'000'000 : open.back().end - now;
      const int64_t end = now + static_cast<int64_t>(below(static_cast<uint64_t>(longest) + 1));
      const int32_t parent = open.empty() ? kNoParent : open.back().row;
      const uint32_t name = names[below(names.size())];
      const uint64_t kind = below(40);
      if (kind == 0) {
        const int64_t late = now + static_cast<int64_t>(below(3'000'000));
        const int32_t row = b.Span(t, name, now, late, parent, kAsync);
        b.rows.span_returns.Append({now + static_cast<int64_t>(below(static_cast<uint64_t>(late - now) + 1)),
                                    static_cast<uint32_t>(row)});
        b.Ids(row, random() | 1, below(2) == 0 ? 0 : random(), random(), random());
        last = std::max(last, late);
        continue;
      }
      if (kind == 1) {
        b.Span(t, name, now, now + 500, kNoParent, kTimed);
        last = std::max(last, now + 500);
        continue;
      }
      const int32_t row = b.Span(t, name, now, end, parent, kind == 2 ? kError : 0);
      if (kind == 3) {
        b.Attribute(row, "key" + std::to_string(below(5)), AttributeType::kString,
                    b.String("value " + std::to_string(below(50))));
      }
      open.push_back({end, row});
      last = std::max(last, end);
    }
  }
  b.rows.duration_ns = last + 1;
  return b.Build();
}

}  // namespace opscope::test
