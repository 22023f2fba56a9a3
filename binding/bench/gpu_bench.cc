// What reading GPU activity costs, as JSON lines. Two floors, both in the same
// run: touching the cache lines of the records that hold needed fields, and
// that plus writing as many bytes as the rows have. Compare ratios, since
// machines differ.
//   gpu_bench [largest size, default 1e7]

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core/gpu_attach.h"
#include "core/gpu_tables.h"
#include "gpu/activity_reader.h"
#include "test/gpu_record_builder.h"

namespace opscope::gpu {
namespace {

using gpu_test::BufferBuilder;
using gpu_test::StrideRow;

constexpr size_t kBufferBytes = 2u << 20;
constexpr uint64_t kEpochNs = 1'760'000'000'000'000'000;

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

enum class Mix { kKernels, kLaunches };  // kernels alone; or a call and a kernel in turn, a copy now and then

// As many buffers of 2 MiB as the records need, names from a model's 200 kernels.
class Input {
 public:
  Input(size_t count, Mix mix) : layout_(gpu_test::LayoutOf(&StrideRow::cuda_11_8)) {
    for (int i = 0; i < 200; ++i) {
      texts_.push_back("_Z" + std::to_string(20 + i % 10) +
                       std::string(20 + static_cast<size_t>(i) % 10, static_cast<char>('a' + i % 26)) +
                       "PfS_" + std::string(static_cast<size_t>(i % 40), 'f'));
    }
    names_.Set(cupti::kRuntimeDomain, 211, "cudaLaunchKernel_v7000");
    names_.Set(cupti::kRuntimeDomain, 41, "cudaMemcpyAsync_v3020");
    uint64_t now = kEpochNs;
    uint32_t id = 1;
    while (record_count_ < count) {
      BufferBuilder builder(layout_);
      while (builder.size() + 2 * layout_.StrideOf(cupti::Kind::kConcurrentKernel) < kBufferBytes &&
             record_count_ < count) {
        if (mix == Mix::kLaunches) {
          const bool is_copy = id % 10 == 0;
          builder.Call(cupti::Kind::kRuntime, is_copy ? 41 : 211, id, {now, now + 4000});
          ++record_count_;
          if (is_copy) builder.Copy(1, 1, 3, 4096, id, {now + 5000, now + 9000});
        }
        if (mix == Mix::kKernels || id % 10 != 0)
          builder.Kernel(texts_[(id * 7919u) % texts_.size()].c_str(), id, {now + 5000, now + 9000});
        ++record_count_;
        ++id;
        now += 5000;
      }
      auto* memory = static_cast<uint8_t*>(std::aligned_alloc(64, kBufferBytes));
      std::memcpy(memory, builder.data(), builder.size());
      buffers_.push_back({memory, builder.size()});
    }
    end_ = now;
  }
  ~Input() {
    for (const Buffer& buffer : buffers_) std::free(buffer.memory);
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  struct Buffer {
    uint8_t* memory;
    size_t bytes;
  };
  const std::vector<Buffer>& buffers() const { return buffers_; }
  size_t record_count() const { return record_count_; }
  ReaderSource source() const { return {layout_, &names_, nullptr, false, 0}; }
  GpuClock Clock() const {
    GpuClock clock;
    for (uint64_t at = kEpochNs; at <= end_ + 1'000'000'000; at += 200'000'000)
      clock.Add({at, static_cast<int64_t>(at - kEpochNs) + 1000, 50});
    return clock;
  }

 private:
  RecordLayout layout_;
  ApiNames names_;
  std::vector<std::string> texts_;
  std::vector<Buffer> buffers_;
  size_t record_count_ = 0;
  uint64_t end_ = 0;

 public:
  // An op for every four calls, and an inference around every forty.
  Recording Host() const {
    Recording host;
    host.names = {{"predict", "", Category::kInference, Role::kOp}, {"op", "", Category::kCpuOp, Role::kOp}};
    host.duration_ns = static_cast<int64_t>(end_ - kEpochNs) + 10'000;
    SpanColumns& spans = host.spans;
    constexpr int64_t kOpNs = 4 * 5000;
    for (int64_t at = 1000; at < host.duration_ns; at += 10 * kOpNs) {
      const auto inference = static_cast<int32_t>(spans.start_ns.size());
      const auto add = [&spans](int64_t start, int64_t length, uint32_t name, int32_t parent) {
        spans.start_ns.Append(start);
        spans.duration_ns.Append(length);
        spans.name.Append(name);
        spans.parent.Append(parent);
        spans.flags.Append(0);
      };
      add(at, 10 * kOpNs, 0, kNoParent);
      for (int64_t op = 0; op < 10; ++op) add(at + op * kOpNs, kOpNs, 1, inference);
    }
    ThreadEntry thread;
    thread.os_thread_id = 100;  // the builder's
    thread.row_count = static_cast<uint32_t>(spans.size());
    host.threads.push_back(std::move(thread));
    return host;
  }
};

template <typename Work>
double SecondsOf(Work work) {
  const double begin = Seconds();
  work();
  return Seconds() - begin;
}

uint64_t TouchRecords(const Input& input) {
  const auto strides = input.source().layout.strides();
  uint64_t sum = 0;
  for (const Input::Buffer& buffer : input.buffers()) {
    for (size_t at = 0; at < buffer.bytes;) {
      const uint8_t* record = buffer.memory + at;
      const size_t stride = strides[cupti::Load(record, cupti::kKindField)];
      for (size_t line = 0; line < stride; line += 64) sum += cupti::Load(record + line, cupti::U64{0});
      at += stride;
    }
  }
  return sum;
}

void Print(const std::string& name, size_t count, double seconds, double floor_seconds, double target,
           bool has_target) {
  const auto records = static_cast<double>(count);
  std::printf("{\"name\":\"%s %.0e\",\"value\":%.1f,\"unit\":\"M/s\",\"floor\":%.1f,\"ratio\":%.3f,",
              name.c_str(), records, records / seconds / 1e6, records / floor_seconds / 1e6,
              floor_seconds / seconds);
  if (has_target) {
    std::printf("\"target\":%.2f,\"met\":%s}\n", target,
                floor_seconds / seconds >= target ? "true" : "false");
  } else {
    std::printf("\"target\":null,\"met\":null}\n");
  }
  std::fflush(stdout);
}

// Rows go to memory that was used before, as in a session that runs for a
// while (fresh: to untouched memory, so that page faults count).
void Measure(size_t count, Mix mix, const char* what) {
  const Input input(count, mix);
  uint64_t checksum = 0;
  double touch = 1e30, copy = 1e30, decode = 1e30, fresh = 1e30, fresh_copy = 1e30;
  RecordStore store;
  Column<uint64_t> written;
  for (int run = 0; run < (count > 5'000'000 ? 4 : 8); ++run) {
    touch = std::min(touch, SecondsOf([&] { checksum += TouchRecords(input); }));
    GpuClock clock = input.Clock();
    for (auto rewind : {+[](RecordStore* s) { s->rows.Rewind(), s->kernels.Rewind(), s->calls.Rewind(); }})
      rewind(&store);
    ActivityReader reader(input.source(), &clock, &store);
    const double seconds = SecondsOf([&] {
      for (const Input::Buffer& buffer : input.buffers()) reader.Read(buffer.memory, buffer.bytes);
    });
    (run == 0 ? fresh : decode) = std::min(run == 0 ? fresh : decode, seconds);
    const size_t row_bytes = store.rows.size() * sizeof(GpuRow) + store.kernels.size() * sizeof(KernelRow) +
                             store.calls.size() * sizeof(GpuApiCall);
    const double copied = SecondsOf([&] {
      if (run == 0) written.Reset(row_bytes / 8);
      checksum += TouchRecords(input);
      for (size_t i = 0; i < written.size(); ++i) written[i] = checksum;
      checksum += written[written.size() / 2];
    });
    (run == 0 ? fresh_copy : copy) = std::min(run == 0 ? fresh_copy : copy, copied);
  }
  if (checksum == 0) std::exit(1);
  Print(std::string("decode ") + what + ", floor: touch records,", input.record_count(), decode, touch, 0.8,
        true);
  Print(std::string("decode ") + what + ", floor: touch records and write rows,", input.record_count(),
        decode, copy, 0.8, true);
  Print(std::string("decode ") + what + ", fresh memory, floor: touch and write,", input.record_count(),
        fresh, fresh_copy, 0.8, true);
}

// All that lies between CUPTI's buffers and the columns that reports are made of.
void MeasureEndToEnd(size_t count) {
  const Input input(count, Mix::kLaunches);
  uint64_t checksum = 0;
  double touch = 1e30, fresh = 0, whole = 1e30, attach = 1e30, tables = 1e30;
  size_t launches = 0;
  for (int run = 0; run < (count > 5'000'000 ? 4 : 6); ++run) {
    touch = std::min(touch, SecondsOf([&] { checksum += TouchRecords(input); }));
    GpuClock clock = input.Clock();
    Recording recording = input.Host();
    RecordStore store;
    GpuRecords records;
    const double decoded = SecondsOf([&] {
      ActivityReader reader(input.source(), &clock, &store);
      for (const Input::Buffer& buffer : input.buffers()) reader.Read(buffer.memory, buffer.bytes);
      records = TakeWindow(&store, {});
    });
    const double attached = SecondsOf([&] { AttachGpu(std::move(records), &recording); });
    if (run == 0) fresh = decoded + attached;
    if (run != 0) whole = std::min(whole, decoded + attached);
    attach = std::min(attach, attached);
    launches = recording.launches.size();
    tables = std::min(tables, SecondsOf([&] { checksum += BuildGpuTables(recording).kernels.size(); }));
    for (const int64_t gpu_ns : recording.spans.gpu_ns) checksum += static_cast<uint64_t>(gpu_ns);
  }
  if (checksum == 0) std::exit(1);
  const double floor_rate = static_cast<double>(input.record_count()) / touch;
  const auto print = [&](const char* what, size_t rows, double seconds, double target) {
    const double rate = static_cast<double>(rows) / seconds;
    std::printf("{\"name\":\"%s %.0e\",\"value\":%.1f,\"unit\":\"M/s\",\"floor\":%.1f,\"ratio\":%.3f,", what,
                static_cast<double>(input.record_count()), rate / 1e6, floor_rate / 1e6, rate / floor_rate);
    if (target > 0)
      std::printf("\"target\":%.0f,\"met\":%s}\n", target, rate / 1e6 >= target ? "true" : "false");
    if (target <= 0) std::printf("\"target\":null,\"met\":null}\n");
    std::fflush(stdout);
  };
  print("buffers to attributed columns, records", input.record_count(), whole, 20);
  print("buffers to attributed columns, fresh memory, records", input.record_count(), fresh, 0);
  print("join, order and attribute, launches", launches, attach, 0);
  print("GPU tables, records", input.record_count(), tables, 0);
}

}  // namespace
}  // namespace opscope::gpu

int main(int argc, char** argv) {
  // Freed columns are used again instead of going back to the system: after the
  // first run no page is new, as in a service that records now and then.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, INT32_MAX);
  const double largest = argc > 1 ? std::atof(argv[1]) : 1e7;
  for (const double count : {1e5, 1e6, 1e7}) {
    if (count > largest) continue;
    opscope::gpu::Measure(static_cast<size_t>(count), opscope::gpu::Mix::kKernels, "kernels");
    opscope::gpu::Measure(static_cast<size_t>(count), opscope::gpu::Mix::kLaunches, "calls, kernels, copies");
    opscope::gpu::MeasureEndToEnd(static_cast<size_t>(count));
  }
}
