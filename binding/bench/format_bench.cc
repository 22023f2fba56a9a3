// How fast recordings become bytes, beside what moving those bytes costs.
//
// Prints a JSON line for each figure: {name, value, unit, floor, ratio}. The
// floor of a writer is memcpy (into memory) or write(2) (into a file) of the
// same bytes in the same run; ratio is the share of the floor's speed, or for
// sizes the share of the limit. Argument: the largest number of spans (1e7).

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core/columns.h"
#include "core/raw_rows.h"
#include "format/arrow_writer.h"
#include "format/byte_sink.h"
#include "format/chrome_writer.h"
#include "format/csv_writer.h"
#include "format/otlp_writer.h"
#include "format/paddle_writer.h"
#include "format/page_columns.h"
#include "format/perfetto_reader.h"
#include "format/perfetto_writer.h"
#include "format/pprof_writer.h"
#include "format/xplane_writer.h"

namespace {

using namespace opscope;
using Write = Status (*)(const Recording&, ByteSink*, std::vector<Warning>*);

double Seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

template <typename Body>
double BestSeconds(int rounds, Body body) {
  double best = 1e9;
  for (int i = 0; i < rounds; ++i) {
    const double start = Seconds();
    body();
    best = std::min(best, Seconds() - start);
  }
  return best;
}

void Print(const char* what, size_t spans, double value, const char* unit, double floor, double ratio) {
  std::printf("{\"name\":\"%s %zu\",\"value\":%.2f,\"unit\":\"%s\",\"floor\":%.2f,\"ratio\":%.3f}\n", what,
              spans, value, unit, floor, ratio);
  std::fflush(stdout);
}

// Two threads of inference steps: an op with its phases, some a few hundred ns
// long, some milliseconds.
Recording MakeRecording(size_t spans) {
  Recording recording;
  for (int i = 0; i < 60; ++i) {
    NameEntry entry;
    entry.text = "elementwise_op_" + std::to_string(i);
    entry.category = Category::kCpuOp;
    recording.names.push_back(entry);
  }
  for (const char* phase : {"prepare_data", "infer_shape", "compute"}) {
    NameEntry entry;
    entry.text = phase;
    entry.category = Category::kCpuOp;
    entry.role = Role::kPhase;
    recording.names.push_back(entry);
  }
  SpanColumns& columns = recording.spans;
  columns.start_ns.Reset(spans);
  columns.duration_ns.Reset(spans);
  columns.name.Reset(spans);
  columns.parent.Reset(spans);
  columns.flags.Reset(spans);
  uint64_t state = 88172645463325252u;
  const auto random = [&state](uint64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
  };
  for (uint32_t t = 0; t < 2; ++t) {
    ThreadEntry thread;
    thread.name = t == 0 ? "main" : "worker";
    thread.os_thread_id = 1000 + t;
    thread.js_thread_id = static_cast<int32_t>(t);
    thread.first_row = static_cast<uint32_t>(t * (spans / 2));
    thread.row_count = static_cast<uint32_t>(t == 0 ? spans / 2 : spans - spans / 2);
    recording.threads.push_back(thread);
    int64_t now = 1'000'000;
    int32_t op = kNoParent;
    for (uint32_t i = 0; i < thread.row_count; ++i) {
      const size_t row = thread.first_row + i;
      const uint32_t place = i % 4;
      columns.flags[row] = 0;
      if (place == 0) {
        now += static_cast<int64_t>(200 + random(2000));
        const auto length = static_cast<int64_t>(3000 + random(random(20) == 0 ? 3'000'000 : 30'000));
        columns.name[row] = static_cast<uint32_t>(random(60));
        columns.parent[row] = kNoParent;
        columns.start_ns[row] = now;
        columns.duration_ns[row] = length;
        op = static_cast<int32_t>(row);
      } else {
        const int64_t length = columns.duration_ns[static_cast<size_t>(op)];
        const int64_t part = length / 3 - 10;
        columns.name[row] = 59 + place;
        columns.parent[row] = op;
        columns.start_ns[row] = columns.start_ns[static_cast<size_t>(op)] + 10 + part * (place - 1);
        columns.duration_ns[row] = part;
        if (place == 3) now += length;
      }
    }
    recording.duration_ns = std::max(recording.duration_ns, now + 1);
  }
  recording.process_id = 12345;
  recording.origin_clock_ns = 5'000'000'000'000;
  recording.origin_epoch_ns = 1'763'780'000'000'000'000;
  return recording;
}

Status WriteArrowRows(const Recording& recording, ByteSink* sink, std::vector<Warning>*) {
  return WriteArrow(recording, false, sink);
}
Status WriteCsvRows(const Recording& recording, ByteSink* sink, std::vector<Warning>*) {
  return WriteCsv(recording, false, sink);
}

Status WritePage(const Recording& recording, ByteSink* sink, std::vector<Warning>*) {
  PageColumns page;
  return WritePageColumns(recording, sink, &page);
}

Status WriteXplaneWhole(const Recording& recording, ByteSink* sink, std::vector<Warning>* warnings) {
  return WriteXplane(recording, UINT64_MAX, sink, warnings);
}

void Fail(const Status& status) {
  std::fprintf(stderr, "%s\n", status.detail.c_str());
  std::exit(1);
}

void RunWriter(Write write, const Recording& recording, ByteSink* sink) {
  std::vector<Warning> warnings;
  if (const Status status = write(recording, sink, &warnings); !status.ok()) Fail(status);
}

// Highest resident size since the last call, in MiB.
double PeakMiB() {
  double peak = 0;
  if (std::FILE* file = std::fopen("/proc/self/status", "r")) {
    char line[256];
    while (std::fgets(line, sizeof line, file) != nullptr) {
      if (std::strncmp(line, "VmHWM:", 6) == 0) peak = std::atof(line + 6) / 1024;
    }
    std::fclose(file);
  }
  if (std::FILE* file = std::fopen("/proc/self/clear_refs", "w")) {
    std::fputs("5", file);
    std::fclose(file);
  }
  return peak;
}

// `most_bytes` for a span where there is a limit, else 0.
void BenchWriter(const char* name, Write write, double most_bytes, const Recording& recording) {
  const size_t spans = recording.spans.size();
  const double millions = static_cast<double>(spans) / 1e6;
  const int rounds = spans >= 10'000'000 ? 3 : 7;
  const auto label = [name](const char* what) { return std::string(name) + " " + what; };

  PeakMiB();
  const double before = PeakMiB();
  ByteSink nowhere = ByteSink::ToNowhere();
  RunWriter(write, recording, &nowhere);
  const double extra = PeakMiB() - before;
  Print(label("extra memory").c_str(), spans, extra, "MiB", 64, extra / 64);
  const double bytes = static_cast<double>(nowhere.bytes());
  const double size = bytes / static_cast<double>(spans);
  Print(label("size").c_str(), spans, size, "bytes/span", most_bytes,
        most_bytes == 0 ? 0 : size / most_bytes);

  ByteSink memory = ByteSink::ToMemory(nowhere.bytes() + (2u << 20));
  RunWriter(write, recording, &memory);  // touches the pages
  const double format = BestSeconds(rounds, [&] {
    memory.Rewind();
    RunWriter(write, recording, &memory);
  });
  const std::string_view text = memory.view();
  std::vector<char> copy(text.begin(), text.end());
  const double move = BestSeconds(rounds, [&] {
    std::memcpy(copy.data(), text.data(), text.size());
    asm volatile("" : : "r"(copy.data()) : "memory");
  });
  std::vector<char>().swap(copy);
  Print(label("into memory").c_str(), spans, millions / format, "M spans/s", millions / move, move / format);

  char path[] = "/tmp/opscope-bench-XXXXXX";
  const int fd = ::mkstemp(path);
  if (fd < 0) Fail(Status::Error(Code::kFileWrite, "no temporary file"));
  ::unlink(path);
  const auto rewind = [fd] {
    if (::ftruncate(fd, 0) != 0 || ::lseek(fd, 0, SEEK_SET) != 0) std::exit(1);
  };
  double plain = 1e9, formatted = 1e9;
  for (int i = 0; i < 3; ++i) {  // by turns: the disk's mood changes
    rewind();
    plain = std::min(plain, BestSeconds(1, [&] {
                       for (size_t at = 0; at < text.size();) {
                         const size_t step = std::min(text.size() - at, ByteSink::kBufferBytes);
                         const ssize_t written = ::write(fd, text.data() + at, step);
                         if (written <= 0) Fail(Status::Error(Code::kFileWrite, "disk full"));
                         at += static_cast<size_t>(written);
                       }
                     }));
    rewind();
    formatted = std::min(formatted, BestSeconds(1, [&] {
                           ByteSink file(fd);
                           RunWriter(write, recording, &file);
                         }));
  }
  ::close(fd);
  Print(label("into a file").c_str(), spans, millions / formatted, "M spans/s", millions / plain,
        plain / formatted);
}

void BenchReader(const Recording& recording) {
  char path[] = "/tmp/opscope-bench-XXXXXX";
  const int fd = ::mkstemp(path);
  if (fd < 0) Fail(Status::Error(Code::kFileWrite, "no temporary file"));
  ByteSink file(fd);
  RunWriter(WritePerfetto, recording, &file);
  ::close(fd);
  const double read = BestSeconds(3, [&] {
    RawRows rows;
    std::unique_ptr<StreamedLogs> logs;
    if (const Status status = ReadPerfetto({path}, &rows, &logs); !status.ok()) Fail(status);
  });
  ::unlink(path);
  const double millions = static_cast<double>(recording.spans.size()) / 1e6;
  Print("perfetto read", recording.spans.size(), millions / read, "M spans/s", 0, 0);
}

}  // namespace

int main(int argc, char** argv) {
  const size_t most = argc > 1 ? static_cast<size_t>(std::atof(argv[1])) : 10'000'000;
  for (const size_t spans : {size_t{100'000}, size_t{1'000'000}, size_t{10'000'000}}) {
    if (spans > most) break;
    const Recording recording = MakeRecording(spans);
    BenchWriter("chrome", WriteChrome, 0, recording);
    BenchWriter("perfetto", WritePerfetto, 36, recording);
    BenchWriter("paddle", WritePaddle, 0, recording);
    BenchWriter("arrow", WriteArrowRows, 0, recording);
    BenchWriter("csv", WriteCsvRows, 0, recording);
    BenchWriter("otlp", WriteOtlp, 0, recording);
    // Its output is small, so the floor says little: most of the time is the walk behind the op rows.
    BenchWriter("pprof", WritePprof, 0, recording);
    // Before it is compressed.
    BenchWriter("page columns", WritePage, 0, recording);
    BenchWriter("xplane", WriteXplaneWhole, 0, recording);
    BenchReader(recording);
  }
}
