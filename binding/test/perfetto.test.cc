#include <random>
#include <string>

#include "doctest.h"
#include "format/byte_sink.h"
#include "format/live_memory.h"
#include "format/perfetto_reader.h"
#include "format/perfetto_writer.h"
#include "format/wire.h"
#include "gpu_samples.h"
#include "recording_samples.h"
#include "temporary_path.h"

namespace opscope::test {
namespace {

std::string Bytes(const Recording& recording) {
  ByteSink sink = ByteSink::ToMemory();
  std::vector<Warning> warnings;
  REQUIRE(WritePerfetto(recording, &sink, &warnings).ok());
  return std::string(sink.view());
}

Status ReadRows(const std::string& path, RawRows* rows) {
  std::unique_ptr<StreamedLogs> logs;
  const Status status = ReadPerfetto({path}, rows, &logs);
  CHECK(logs == nullptr);
  return status;
}

std::shared_ptr<const Recording> Loaded(std::string_view bytes) {
  const TemporaryFile file(bytes);
  RawRows rows;
  const Status status = ReadRows(file.path(), &rows);
  REQUIRE_MESSAGE(status.ok(), status.detail);
  std::shared_ptr<const Recording> recording;
  const Status built = BuildRecording(std::move(rows), &recording);
  REQUIRE_MESSAGE(built.ok(), built.detail);
  return recording;
}

std::string CodesOf(const std::vector<Warning>& warnings) {
  std::string codes;
  for (const Warning& warning : warnings) {
    codes += warning.code + ":" + std::to_string(warning.count) + " ";
  }
  return codes;
}

// A packet of a foreign trace, by hand.
class Packet {
 public:
  wire::Writer fields;
  Packet& Time(uint64_t at) {
    fields.Varint(8, at);
    return *this;
  }
  Packet& Sequence(uint64_t id, uint64_t flags = 0) {
    fields.Varint(10, id);
    if (flags != 0) fields.Varint(13, flags);
    return *this;
  }
  Packet& Event(uint64_t type, uint64_t track, std::string_view name = {}) {
    const size_t opened = fields.Open(11);
    fields.Varint(9, type);
    fields.Varint(11, track);
    if (!name.empty()) fields.String(23, name);
    fields.Close(opened);
    return *this;
  }
  std::string str() const {
    wire::Writer file;
    file.Message(1, fields);
    return std::string(reinterpret_cast<const char*>(file.data()), file.size());
  }
};

std::string ThreadTrack(uint64_t uuid, uint64_t tid, std::string_view name) {
  Packet packet;
  const size_t opened = packet.fields.Open(60);
  packet.fields.Varint(1, uuid);
  const size_t thread = packet.fields.Open(4);
  packet.fields.Varint(1, 77);
  packet.fields.Varint(2, tid);
  packet.fields.String(5, name);
  packet.fields.Close(thread);
  packet.fields.Close(opened);
  return packet.str();
}

}  // namespace

TEST_CASE("a capture file gives back one of everything, exactly") {
  const auto recording = OddRecording();
  REQUIRE(recording->spans.size() == 27);  // 24 given, three made from copies
  CheckEqual(*recording, *Loaded(Bytes(*recording)));
}

TEST_CASE("a loaded capture is written as the same bytes") {
  const auto recording = OddRecording();
  const std::string bytes = Bytes(*recording);
  CHECK(bytes == Bytes(*Loaded(bytes)));
}

TEST_CASE("contexts and brackets survive the file, and the launches that go by them") {
  CaptureRowsBuilder b;
  b.rows.duration_ns = 10'000;
  const uint32_t main_thread = b.Thread("main", 1, 0), pool = b.Thread("pool", 2, -1);
  const int32_t first = b.Span(main_thread, b.Name("first"), 0, 900);
  b.Span(main_thread, b.Name("second"), 1'000, 9'000, kNoParent, kAsync);
  const int32_t third = b.Span(main_thread, b.Name("third"), 1'200, 8'000, kNoParent, kAsync | kBracket);
  b.rows.contexts.Append({2'000, 2'500, pool, third});
  b.rows.contexts.Append({3'000, 3'500, pool, first});
  b.rows.unseen_brackets.Append({6'000, 7'000});
  uint64_t correlation = 0;
  const auto copy = [&](uint32_t thread, int64_t at) {
    b.rows.launches.Append({at, at + 100, ++correlation, b.String("cudaMemcpy"), thread, kNoParent});
    b.rows.gpu.Append({at + 50, at + 60, correlation, 8, b.String("copy"), 0, 1, 7, -1, kNoParent,
                       GpuKind::kCopy, MemoryKind::kPageable, MemoryKind::kDevice});
  };
  for (const int64_t at : {2'100, 3'100, 4'000, 6'100, 9'500}) copy(pool, at);
  copy(main_thread, 500);  // its row lies before those of the contexts
  const auto recording = b.Build();
  std::vector<int> flags;
  for (const LaunchRow& launch : recording->launches) flags.push_back(launch.flags);
  CHECK(flags == std::vector<int>{0, kByContext, kByContext, kByExclusion, 0, 0});
  const std::string bytes = Bytes(*recording);
  CheckEqual(*recording, *Loaded(bytes));
  CHECK(bytes == Bytes(*Loaded(bytes)));
}

TEST_CASE("random recordings survive the file") {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    const auto recording = RandomRecording(seed, 1 + seed % 5, 2000);
    CheckEqual(*recording, *Loaded(Bytes(*recording)));
  }
}

TEST_CASE("GPU rows and all details survive the file, in their order") {
  size_t kernels = 0, memory = 0;
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    const auto recording = RandomGpuRecording(seed, 1 + seed * 7);
    kernels += recording->gpu_details.kernels.size();
    memory += recording->gpu_details.memory.size();
    CheckEqual(*recording, *Loaded(Bytes(*recording)));
  }
  CHECK(kernels > 500);
  CHECK(memory > 500);
}

TEST_CASE("the words of GPU rows are told again with the state") {
  // More than 16 MiB of GPU rows.
  const auto recording = RandomGpuRecording(3, 200'000);
  const std::string bytes = Bytes(*recording);
  REQUIRE(bytes.size() > (17u << 20));
  CheckEqual(*recording, *Loaded(bytes));
  const std::string_view word = "launch__registers_per_thread";
  CHECK(bytes.find(word, bytes.find(word) + 1) != std::string::npos);
}

TEST_CASE("details without GPU rows survive the file") {
  CaptureRowsBuilder b;
  b.rows.gpu_details.overheads.Append({5, 9, 1});
  const auto recording = b.Build();
  CheckEqual(*recording, *Loaded(Bytes(*recording)));
}

TEST_CASE("kernels of a trace that is no capture keep their shape") {
  const auto recording = RandomGpuRecording(9, 300);
  std::string bytes = Bytes(*recording);
  bytes.replace(bytes.find("opscope capture"), 7, "someone");
  const auto loaded = Loaded(bytes);
  REQUIRE(loaded->gpu.size() == recording->gpu.size());
  CheckTable(loaded->gpu_details.kernels, recording->gpu_details.kernels, "kernel",
             [](const KernelRow& x, const KernelRow& y) {
               return x.row == y.row && x.grid_x == y.grid_x && x.block_z == y.block_z &&
                      x.registers_per_thread == y.registers_per_thread;
             });
  CheckTable(loaded->gpu, recording->gpu, "gpu row",
             [](const GpuRow& x, const GpuRow& y) { return x.device == y.device && x.stream == y.stream; });
}

TEST_CASE("live memory is what was allocated and not released yet, by device and sort") {
  LiveMemory live;
  const auto row = [](uint64_t address, uint64_t bytes, bool is_release, uint32_t device = 0,
                      MemoryKind kind = MemoryKind::kDevice) {
    return GpuMemoryRow{0, address, bytes, 0, device, 0, 0, kNoParent, kind, is_release};
  };
  CHECK(live.After(row(1, 100, false)) == 100);
  CHECK(live.After(row(2, 50, false, 0, MemoryKind::kUnknown)) == 150);
  CHECK(live.After(row(3, 7, false, 1)) == 7);
  CHECK(live.After(row(4, 9, false, 0, MemoryKind::kPinned)) == 9);
  CHECK(live.After(row(1, 0, true)) == 50);      // a release need not say how much
  CHECK(live.After(row(77, 1000, true)) == 50);  // allocated before the recording
  CHECK(live.After(row(2, 20, false)) == 20);    // its release was lost
  CHECK(live.After(row(0, 5, false)) == 25);
  CHECK(live.After(row(0, 50, true)) == 0);
}

TEST_CASE("state told again in the middle of a thread changes nothing") {
  // More than 16 MiB of one thread.
  const auto recording = RandomRecording(5, 1, 900'000);
  const std::string bytes = Bytes(*recording);
  REQUIRE(bytes.size() > (17u << 20));
  CheckEqual(*recording, *Loaded(bytes));
}

TEST_CASE("an empty recording survives the file") {
  const Recording empty;
  CheckEqual(empty, *Loaded(Bytes(empty)));
}

TEST_CASE("a plain op span takes at most 36 bytes") {
  CaptureRowsBuilder b;
  b.Thread("main", 1, 0);
  const uint32_t name = b.Name("matmul", Role::kOp, Category::kCpuOp);
  for (int64_t i = 0; i < 100'000; ++i) b.Span(0, name, i * 90'000, i * 90'000 + 70'000);
  const std::string bytes = Bytes(*b.Build());
  CHECK(bytes.size() <= 100'000 * 36);
}

TEST_CASE("a file cut at any byte gives what is whole") {
  const std::string bytes = Bytes(*OddRecording());
  TemporaryFile file;
  size_t last_count = 0;
  for (size_t size = 1; size < bytes.size(); ++size) {
    file.Put(std::string_view(bytes).substr(0, size));
    RawRows rows;
    const Status status = ReadRows(file.path(), &rows);
    if (!status.ok()) {
      CHECK(status.code == Code::kFileDamaged);
      CHECK(last_count == 0);
      continue;
    }
    const size_t count = rows.span_name.size() + rows.marks.size() + rows.counters.size() +
                         rows.launches.size() + rows.gpu.size() + rows.gpu_details.kernels.size() +
                         rows.gpu_details.overheads.size() + rows.gpu_details.memory.size();
    CHECK(count >= last_count);
    last_count = count;
    REQUIRE(!rows.warnings.empty());
    // Nothing tells a capture from any other trace until its head is whole.
    if (rows.warnings.back().code != "nothing-read") {
      CHECK(rows.warnings.back().code == "file-cut");
      CHECK(rows.warnings.back().count < size);
    }
    std::shared_ptr<const Recording> recording;
    const Status built = BuildRecording(std::move(rows), &recording);
    REQUIRE_MESSAGE(built.ok(), built.detail);
  }
  CHECK(last_count > 40);
}

TEST_CASE("spans whose end was cut off are unfinished") {
  CaptureRowsBuilder b;
  b.Thread("main", 1, 0);
  const uint32_t name = b.Name("outer");
  b.Span(0, name, 0, 1'000'000);
  for (int i = 1; i < 100; ++i) b.Span(0, name, i * 100, i * 100 + 50, 0);
  b.rows.duration_ns = 2'000'000;
  const std::string bytes = Bytes(*b.Build());
  const auto recording = Loaded(std::string_view(bytes).substr(0, bytes.size() - 60));
  CHECK(recording->spans.size() >= 95);
  CHECK(recording->spans.flags[0] == kUnfinished);
  CHECK(recording->spans.duration_ns[0] == 2'000'000);
  CHECK(recording->spans.parent[50] == 0);
  CHECK(CodesOf(recording->warnings).substr(0, 9) == "file-cut:");
}

TEST_CASE("files of another kind are refused with a sentence") {
  const std::pair<std::string, Code> files[] = {
      {"", Code::kFileFormat},
      {"\x1f\x8b\x08 gzip", Code::kFileFormat},
      {"{\"traceEvents\":[]}", Code::kFileFormat},
      {"\n\nplain text that begins with empty lines\n", Code::kFileFormat},
      {std::string(100'000, '\xff'), Code::kFileFormat},
      {std::string("\x0a\xff\xff\xff\xff\x0f", 6), Code::kFileDamaged},
  };
  for (const auto& [bytes, code] : files) {
    const TemporaryFile file(bytes);
    RawRows rows;
    const Status status = ReadRows(file.path(), &rows);
    CHECK(status.code == code);
    CHECK(status.detail.size() > 10);
  }
  RawRows rows;
  CHECK(ReadRows("/nowhere/at/all", &rows).code == Code::kFileRead);
  CHECK(ReadRows("/tmp", &rows).code == Code::kFileRead);
}

TEST_CASE("a second capture in the file is left alone and told") {
  const std::string bytes = Bytes(*OddRecording());
  const auto recording = Loaded(bytes + bytes);
  CHECK(recording->spans.size() == 27);
  CHECK(CodesOf(recording->warnings).find("more-captures") != std::string::npos);
}

TEST_CASE("slices of a foreign trace are nested by time on their threads") {
  std::string file = ThreadTrack(5, 100, "worker") + ThreadTrack(6, 101, "other");
  file += Packet().Time(1000).Sequence(1).Event(1, 5, "outer").str();
  file += Packet().Time(1100).Sequence(1).Event(1, 5, "inner").str();
  file += Packet().Time(1050).Sequence(2).Event(1, 6, "left open").str();
  file += Packet().Time(1200).Sequence(1).Event(2, 5).str();
  file += Packet().Time(1300).Sequence(1).Event(2, 5).str();
  file += Packet().Time(1300).Sequence(1).Event(2, 5).str();  // an end too many
  file += Packet().Time(1250).Sequence(1).Event(3, 5, "mark").str();
  const auto recording = Loaded(file);
  REQUIRE(recording->spans.size() == 3);
  CHECK(recording->threads[0].name == "worker");
  CHECK(recording->threads[0].os_thread_id == 100);
  CHECK(recording->names[recording->spans.name[1]].text == "inner");
  CHECK(recording->spans.parent[1] == 0);
  CHECK(recording->spans.start_ns[1] == 100);
  CHECK(recording->spans.duration_ns[0] == 300);
  CHECK(recording->spans.flags[2] == kUnfinished);
  CHECK(recording->marks.size() == 1);
  CHECK(recording->process_id == 0);
  CHECK(CodesOf(recording->warnings) == "damaged-packets:1 ");
}

TEST_CASE("interned names and incremental clocks of a foreign trace are understood") {
  Packet state;
  state.Sequence(3, 1);
  const size_t snapshot = state.fields.Open(6);
  for (const auto& [id, value, incremental] :
       {std::tuple{6, 5000, 0}, std::tuple{1, 1'000'005'000, 0}, std::tuple{64, 0, 1}}) {
    const size_t clock = state.fields.Open(1);
    state.fields.Int(1, id);
    state.fields.Int(2, value);
    if (incremental != 0) {
      state.fields.Int(3, 1);
      state.fields.Int(4, 1000);
    }
    state.fields.Close(clock);
  }
  state.fields.Close(snapshot);
  const size_t defaults = state.fields.Open(59);
  state.fields.Varint(58, 64);
  const size_t track = state.fields.Open(11);
  state.fields.Varint(11, 5);
  state.fields.Close(track);
  state.fields.Close(defaults);
  const size_t interned = state.fields.Open(12);
  const size_t name = state.fields.Open(2);
  state.fields.Varint(1, 1'000'000'000'000);
  state.fields.String(2, "far away");
  state.fields.Close(name);
  state.fields.Close(interned);

  const auto event = [](uint64_t delta, uint64_t type) {
    Packet packet;
    packet.Time(delta).Sequence(3, 2);
    const size_t opened = packet.fields.Open(11);
    packet.fields.Varint(9, type);
    if (type == 1) packet.fields.Varint(10, 1'000'000'000'000);
    packet.fields.Close(opened);
    return packet.str();
  };
  const auto recording = Loaded(ThreadTrack(5, 100, "t") + state.str() + event(2, 1) + event(3, 2));
  REQUIRE(recording->spans.size() == 1);
  CHECK(recording->names[0].text == "far away");
  CHECK(recording->spans.duration_ns[0] == 3000);
  CHECK(recording->origin_clock_ns == 7000);
  CHECK(recording->origin_epoch_ns == 1'000'007'000);
}

TEST_CASE("no mutation of a capture crashes or blows up the reader") {
  const std::string good = Bytes(*OddRecording());
  std::mt19937_64 random(7);
  TemporaryFile file;
  const char* rounds = std::getenv("OPSCOPE_FUZZ_ROUNDS");
  const int count = rounds == nullptr ? 3000 : std::atoi(rounds);
  for (int round = 0; round < count; ++round) {
    std::string bytes = good;
    // Without its head the same packets are a foreign trace.
    if (round % 3 == 0) bytes.replace(bytes.find("opscope capture"), 7, "someone");
    for (uint64_t i = 0, n = 1 + random() % 8; i < n; ++i) {
      const size_t at = random() % bytes.size();
      switch (random() % 5) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
          break;
        case 2:
          bytes.erase(at, 1 + random() % 16);
          break;
        case 3:
          bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 200));
          break;
        case 4:
          bytes.replace(at, 1, "\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
          break;
      }
      if (bytes.empty()) bytes = "\n";
    }
    file.Put(bytes);
    RawRows rows;
    if (!ReadRows(file.path(), &rows).ok()) continue;
    REQUIRE(rows.span_name.size() <= bytes.size());
    REQUIRE(rows.strings.size() <= bytes.size());
    // Contradictions may be refused here, but must not get through.
    std::shared_ptr<const Recording> recording;
    if (BuildRecording(std::move(rows), &recording).ok()) Bytes(*recording);
  }
}

}  // namespace opscope::test
