#include "perfetto_reader.h"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <unordered_map>
#include <vector>

#include "packet_file.h"
#include "perfetto_capture.h"
#include "perfetto_capture_tables.h"
#include "perfetto_foreign.h"
#include "perfetto_packet.h"
#include "perfetto_schema.h"
#include "perfetto_stream_rows.h"

namespace opscope {
namespace {

using namespace perfetto;

// Far beyond the writers of any real trace; packets of more sequences are
// counted as damaged instead of costing memory.
constexpr size_t kMaxSequences = 1u << 16;

int64_t Plus(int64_t a, int64_t b) noexcept {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t Minus(int64_t a, int64_t b) noexcept {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t Times(uint64_t a, uint64_t b) noexcept { return static_cast<int64_t>(a * b); }

// Clocks of a file: its own time line is the trace clock.
class Clocks {
 public:
  struct SequenceClock {
    uint32_t id;
    bool is_incremental;
    uint64_t multiplier;
    int64_t offset_ns;  // trace clock minus this clock; of an incremental one, the time now
  };
  using SequenceClocks = std::vector<SequenceClock>;

  void AddSnapshot(std::string_view bytes, SequenceClocks* sequence) {
    struct Reading {
      uint64_t id = 0, value = 0, multiplier = 1;
      bool is_incremental = false;
    };
    std::array<Reading, 16> readings;
    size_t count = 0;
    wire::Reader in(bytes);
    while (in.Next()) {
      if (in.field() == snapshot::kPrimaryClock && !has_primary_) {
        primary_ = in.value();
        has_primary_ = true;
      }
      if (in.field() != snapshot::kClocks || count == readings.size()) continue;
      Reading& reading = readings[count++];
      wire::Reader clock(in.bytes());
      while (clock.Next()) {
        if (clock.field() == snapshot::kClockId) reading.id = clock.value();
        if (clock.field() == snapshot::kTimestamp) reading.value = clock.value();
        if (clock.field() == snapshot::kIsIncremental) reading.is_incremental = clock.value() != 0;
        if (clock.field() == snapshot::kUnitMultiplier) reading.multiplier = clock.value();
      }
    }
    // The trace clock's time of this snapshot, from the first clock that tells.
    int64_t now_ns = 0;
    bool is_known = false;
    for (size_t i = 0; i < count && !is_known; ++i) {
      if (readings[i].id != primary_) continue;
      now_ns = static_cast<int64_t>(readings[i].value);
      is_known = true;
    }
    for (size_t i = 0; i < count && !is_known; ++i) {
      if (readings[i].id >= kFirstSequenceClock || !global_[readings[i].id].is_known) continue;
      now_ns = Plus(static_cast<int64_t>(readings[i].value), global_[readings[i].id].offset_ns);
      is_known = true;
    }
    if (!is_known && count != 0) now_ns = static_cast<int64_t>(readings[0].value);
    for (size_t i = 0; i < count; ++i) {
      const Reading& reading = readings[i];
      const int64_t value = Times(reading.value, reading.multiplier);
      if (reading.id < kFirstSequenceClock) {
        Global& global = global_[reading.id];
        if (!global.is_known) global = {Minus(now_ns, value), true};
      } else if (reading.id < kEndOfSequenceClocks) {
        const auto id = static_cast<uint32_t>(reading.id);
        auto at = std::find_if(sequence->begin(), sequence->end(),
                               [id](const SequenceClock& clock) { return clock.id == id; });
        if (at == sequence->end()) at = sequence->insert(at, SequenceClock{});
        *at = {id, reading.is_incremental, reading.multiplier,
               reading.is_incremental ? now_ns : Minus(now_ns, value)};
      }
    }
  }

  int64_t ToTraceTime(uint64_t value, uint32_t clock, SequenceClocks* sequence) const noexcept {
    if (clock >= kFirstSequenceClock) {
      for (SequenceClock& own : *sequence) {
        if (own.id != clock) continue;
        const int64_t at_ns = Plus(own.offset_ns, Times(value, own.multiplier));
        if (own.is_incremental) own.offset_ns = at_ns;
        return at_ns;
      }
      return static_cast<int64_t>(value);
    }
    return Plus(static_cast<int64_t>(value), global_[clock].offset_ns);
  }

  // Wall clock minus trace clock, 0 where unknown.
  int64_t epoch_offset_ns() const noexcept { return Minus(0, global_[kRealtimeClock].offset_ns); }

 private:
  static constexpr uint32_t kFirstSequenceClock = 64, kEndOfSequenceClocks = 128;
  struct Global {
    int64_t offset_ns = 0;  // trace clock minus this clock
    bool is_known = false;
  };
  std::array<Global, kFirstSequenceClock> global_;
  uint64_t primary_ = kBoottimeClock;
  bool has_primary_ = false;
};

class TraceReader {
 public:
  TraceReader(RawRows* rows, std::unique_ptr<StreamedLogs>* logs)
      : rows_(*rows), logs_(*logs), foreign_(rows), capture_(rows) {}

  // False once another capture begins.
  bool Add(std::string_view bytes) {
    if (is_capture_ && AddPlain(bytes)) return true;
    PacketView packet;
    if (!Parse(bytes, &packet)) {
      ++damaged_packets_;
      return true;
    }
    if (!is_capture_ && packet.has_event) {
      EventView event;
      is_capture_ = event.Parse(packet.event) && CaptureRows::IsHead(event) &&
                    packet.sequence == kMetaSequence && rows_.span_name.empty();
      // The few packets ahead of the head told about tracks only.
      if (is_capture_) rows_ = {};
      if (is_capture_ && StartStream(packet)) return true;
    }
    const bool is_good = stream_ != nullptr ? stream_->Add(packet)
                         : is_capture_      ? capture_.Add(packet)
                                            : foreign_.Add(packet);
    if (!is_good) ++damaged_packets_;
    return stream_ != nullptr ? !stream_->met_second_head() : !capture_.met_second_head();
  }

  Status Finish(PacketFile::Step last, const PacketFile& file) {
    if (!is_recognised_) return NotATrace(last, file);
    if (stream_ != nullptr) {
      stream_->Finish();
    } else if (is_capture_) {
      capture_.Finish();
    } else {
      foreign_.Finish(clocks_.epoch_offset_ns());
    }
    const uint64_t unread = file.unread_bytes();
    if (last == PacketFile::Step::kDamaged) {
      rows_.warnings.push_back(
          {"file-damaged", "The file holds bytes that are no trace; what follows them is lost.", unread});
    } else if (last == PacketFile::Step::kPacket) {
      rows_.warnings.push_back(
          {"more-captures", "The file holds more than one capture; the first one was read.", unread});
    } else if (stream_ != nullptr && !stream_->is_complete()) {
      rows_.warnings.push_back(
          {"recording-cut",
           "The process ended before the recording was stopped: the file holds what was written until then.",
           unread});
    } else if (last == PacketFile::Step::kCut ||
               (stream_ == nullptr && is_capture_ && !capture_.is_complete())) {
      rows_.warnings.push_back({"file-cut", "The end of the file is missing.", unread});
    }
    if (!is_capture_ && rows_.threads.empty() && rows_.gpu.empty()) {
      rows_.warnings.push_back(
          {"nothing-read", "The trace holds no slices, instants, counters or GPU stages.", 0});
    }
    if (damaged_packets_ != 0) {
      rows_.warnings.push_back(
          {"damaged-packets", "Parts of the file make no sense and were left out.", damaged_packets_});
    }
    if (compressed_packets_ != 0) {
      rows_.warnings.push_back(
          {"compressed-packets", "Compressed parts of the trace were not read.", compressed_packets_});
    }
    return Status::Ok();
  }

 private:
  struct Sequence {
    uint32_t default_clock = 0;
    uint64_t default_track = 0;
    Clocks::SequenceClocks clocks;
  };

  // True when the head opens a stream: it is read then.
  bool StartStream(const PacketView& packet) {
    const CaptureHead head = ReadCaptureHead(packet.event, &rows_);
    if (!head.is_stream) return false;
    logs_ = std::make_unique<StreamedLogs>();
    stream_ = std::make_unique<StreamRows>(&rows_, logs_.get());
    stream_->Start(head);
    return true;
  }

  bool Parse(std::string_view bytes, PacketView* packet);
  bool AddPlain(std::string_view bytes);

  uint32_t SequenceIndex(uint32_t id) {
    if (id == last_id_) return last_index_;
    const auto [at, is_new] = sequence_indices_.try_emplace(id, static_cast<uint32_t>(sequences_.size()));
    if (is_new) sequences_.emplace_back();
    last_id_ = id;
    return last_index_ = at->second;
  }

  static void ReadDefaults(std::string_view bytes, Sequence* sequence) {
    wire::Reader in(bytes);
    while (in.Next()) {
      if (in.field() == defaults::kTimestampClockId) {
        sequence->default_clock = static_cast<uint32_t>(in.value());
      }
      if (in.field() != defaults::kTrackEvent) continue;
      wire::Reader event(in.bytes());
      while (event.Next()) {
        if (event.field() == event::kTrackUuid) sequence->default_track = event.value();
      }
    }
  }

  static Status NotATrace(PacketFile::Step last, const PacketFile& file) {
    const std::string_view head = file.first_bytes();
    if (head.empty()) return Status::Error(Code::kFileFormat, "The file is empty.");
    if (head.size() >= 2 && head[0] == '\x1f' && head[1] == '\x8b') {
      return Status::Error(Code::kFileFormat, "The file is compressed with gzip: unpack it first.");
    }
    if (head[0] == '{' || head[0] == '[') {
      return Status::Error(Code::kFileFormat, "The file is JSON, not a Perfetto protobuf trace.");
    }
    if (head[0] == 0x0A && last == PacketFile::Step::kCut) {
      return Status::Error(Code::kFileDamaged, "The file ends before its first packet is whole.");
    }
    return Status::Error(Code::kFileFormat, "The file is not a Perfetto protobuf trace.");
  }

  RawRows& rows_;
  std::unique_ptr<StreamedLogs>& logs_;
  ForeignRows foreign_;
  CaptureRows capture_;
  std::unique_ptr<StreamRows> stream_;  // instead of capture_
  Clocks clocks_;
  std::vector<Sequence> sequences_;
  std::unordered_map<uint32_t, uint32_t> sequence_indices_;
  uint32_t last_id_ = UINT32_MAX, last_index_ = 0;
  uint64_t damaged_packets_ = 0, compressed_packets_ = 0;
  bool is_capture_ = false;
  bool is_recognised_ = false;  // at least one packet looked like one
};

// Begins and ends of plain spans, byte for byte as WritePerfetto lays them out:
// nearly all packets of a capture, at twice the speed of taking fields as they
// come. False for everything else, which nothing has been done to.
bool TraceReader::AddPlain(std::string_view bytes) {
  const auto* p = reinterpret_cast<const uint8_t*>(bytes.data());
  const uint8_t* end = p + bytes.size();
  uint64_t delta, sequence_id, name_iid = 0, category;
  if (end - p < 10 || *p != wire::Tag(packet::kTimestamp, wire::Type::kVarint)) return false;
  p = wire::GetVarint(p + 1, end, &delta);
  if (p == nullptr || p == end || *p != wire::Tag(packet::kSequenceId, wire::Type::kVarint)) {
    return false;
  }
  p = wire::GetVarint(p + 1, end, &sequence_id);
  if (p == nullptr || sequence_id != last_id_ || end - p < 6) return false;
  static constexpr uint8_t kFlags[] = {wire::Tag(packet::kSequenceFlags, wire::Type::kVarint), kNeedsState,
                                       wire::Tag(packet::kTrackEvent, wire::Type::kBytes)};
  if (std::memcmp(p, kFlags, sizeof kFlags) != 0) return false;
  p += sizeof kFlags;
  if (*p != end - p - 1 || p[1] != wire::Tag(event::kType, wire::Type::kVarint)) return false;
  const uint8_t type = p[2];
  p += 3;
  if (type == kBegin) {
    if (p == end || *p != wire::Tag(event::kNameIid, wire::Type::kVarint)) return false;
    p = wire::GetVarint(p + 1, end, &name_iid);
    if (p == nullptr || end - p < 2 || *p != wire::Tag(event::kCategoryIids, wire::Type::kVarint)) {
      return false;
    }
    p = wire::GetVarint(p + 1, end, &category);
  } else if (type != kEnd) {
    return false;
  }
  Sequence& sequence = sequences_[last_index_];
  if (p != end || sequence.default_clock == 0) return false;
  const int64_t at_ns = clocks_.ToTraceTime(delta, sequence.default_clock, &sequence.clocks);
  bool is_good;
  if (stream_ != nullptr) {
    is_good = type == kBegin ? stream_->AddPlainBegin(last_id_, at_ns, name_iid)
                             : stream_->AddPlainEnd(last_id_, at_ns);
  } else {
    is_good = type == kBegin ? capture_.AddPlainBegin(last_id_, at_ns, name_iid)
                             : capture_.AddPlainEnd(last_id_, at_ns);
  }
  if (!is_good) ++damaged_packets_;
  return true;
}

bool TraceReader::Parse(std::string_view bytes, PacketView* packet) {
  uint64_t timestamp = 0;
  uint32_t clock = 0;
  bool has_timestamp = false;
  wire::Reader in(bytes);
  while (in.Next()) {
    switch (in.field()) {
      case packet::kTimestamp:
        timestamp = in.value();
        has_timestamp = true;
        break;
      case packet::kSequenceId:
        packet->sequence = static_cast<uint32_t>(in.value());
        break;
      case packet::kSequenceFlags:
        packet->flags = static_cast<uint32_t>(in.value());
        break;
      case packet::kTrackEvent:
        packet->event = in.bytes();
        packet->has_event = true;
        break;
      case packet::kInternedData:
        packet->interned = in.bytes();
        break;
      case packet::kTimestampClockId:
        clock = static_cast<uint32_t>(in.value());
        break;
      case packet::kDefaults:
        packet->defaults = in.bytes();
        break;
      case packet::kClockSnapshot:
        packet->clock_snapshot = in.bytes();
        break;
      case packet::kTrackDescriptor:
        packet->track = in.bytes();
        packet->has_track = true;
        break;
      case packet::kGpuEvent:
        packet->gpu = in.bytes();
        packet->has_gpu = true;
        break;
      case packet::kThreadDescriptor:
        packet->thread = in.bytes();
        break;
      case packet::kProcessDescriptor:
        packet->process = in.bytes();
        break;
      case kStreamRecord:
        packet->record = in.bytes();
        break;
      case packet::kCompressedPackets:
      case packet::kZstdPackets:
        ++compressed_packets_;
        break;
      default:
        break;
    }
  }
  if (in.damaged()) return false;
  if (packet->sequence != 0 || has_timestamp || !packet->clock_snapshot.empty()) {
    is_recognised_ = true;
  }
  if (sequences_.size() >= kMaxSequences && !sequence_indices_.contains(packet->sequence)) {
    return false;
  }
  packet->sequence_index = SequenceIndex(packet->sequence);
  Sequence& sequence = sequences_[packet->sequence_index];
  if ((packet->flags & kStateCleared) != 0) {
    sequence.default_clock = 0;
    sequence.default_track = 0;
  }
  if (!packet->defaults.empty()) ReadDefaults(packet->defaults, &sequence);
  if (!packet->clock_snapshot.empty()) {
    clocks_.AddSnapshot(packet->clock_snapshot, &sequence.clocks);
  }
  packet->default_track = sequence.default_track;
  if (has_timestamp) {
    if (clock == 0) clock = sequence.default_clock;
    packet->at_ns = clocks_.ToTraceTime(timestamp, clock, &sequence.clocks);
  }
  return true;
}

}  // namespace

Status ReadPerfetto(const std::vector<std::string>& paths, RawRows* rows,
                    std::unique_ptr<StreamedLogs>* logs) try {
  const auto reader = std::make_unique<TraceReader>(rows, logs);
  for (size_t i = 0;; ++i) {
    PacketFile file;
    if (Status status = file.Open(paths[i]); !status.ok()) return status;
    std::string_view packet;
    PacketFile::Step step;
    do {
      step = file.Next(&packet);
    } while (step == PacketFile::Step::kPacket && reader->Add(packet));
    if (step == PacketFile::Step::kFailed) return file.status();
    if (step != PacketFile::Step::kEnd || i + 1 == paths.size()) return reader->Finish(step, file);
  }
} catch (const std::bad_alloc&) {
  return Status::Error(Code::kOutOfMemory, "not enough memory for the rows of " + paths.front());
}

Status LoadPerfetto(const std::vector<std::string>& paths, std::shared_ptr<const Recording>* recording) try {
  RawRows rows;
  std::unique_ptr<StreamedLogs> logs;
  if (Status status = ReadPerfetto(paths, &rows, &logs); !status.ok()) return status;
  if (logs == nullptr) return BuildRecording(std::move(rows), recording);
  *recording = MergeStreamed(std::move(*logs), std::move(rows));
  return Status::Ok();
} catch (const std::bad_alloc&) {
  return Status::Error(Code::kOutOfMemory, "not enough memory for the recording of " + paths.front());
}

}  // namespace opscope
