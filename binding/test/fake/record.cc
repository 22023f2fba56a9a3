#include "record.h"

#include <cstdlib>

namespace fakegpu {
namespace {

// Start, end and place lie alike in copies and fills.
void PutCopyHead(Record& r, const Stamps& time, const Place& place, uint64_t bytes) {
  r.Put(8, bytes).Put(16, time.start).Put(24, time.end);
  r.Put(32, place.device).Put(36, place.context).Put(40, place.stream);
}

void PutCopy(Record& r, const CopyFields& f) {
  r.Put(4, f.direction).Put(5, f.from).Put(6, f.to).Put(7, static_cast<uint8_t>(f.is_async));
  PutCopyHead(r, f.time, f.place, f.bytes);
}

}  // namespace

Record KernelRecord(const Personality& p, uint32_t kind, const KernelFields& f) {
  Record r(kind, p);
  r.Put(4, uint8_t{0}).Put(5, uint8_t{0}).Put(6, f.registers);
  r.Put(16, f.time.start).Put(24, f.time.end).Put(32, f.time.end);
  r.Put(40, f.place.device).Put(44, f.place.context).Put(48, f.place.stream);
  for (size_t i = 0; i < 3; ++i) {
    r.Put(52 + 4 * i, f.grid[i]).Put(64 + 4 * i, f.block[i]).Put(176 + 4 * i, f.cluster[i]);
  }
  r.Put(76, f.static_shared).Put(80, f.dynamic_shared).Put(84, f.local_per_thread);
  r.Put(88, f.local_per_thread * 1024u)
      .Put(92, f.correlation)
      .Put(96, int64_t{f.correlation})
      .Put(104, f.name);
  r.Put(120, f.queued).Put(128, f.submitted).Put(136, uint8_t{0}).Put(140, f.executed_shared);
  r.Put(144, f.graph_node).Put(156, f.graph);
  r.Put(168, 8u).Put(172, 1u).Put(188, 0u).Put(192, uint64_t{f.local_per_thread} * 1024u);
  r.Put(200, 0u).Put(204, 0u).Put(208, uint8_t{0});
  return r;
}

Record CopyRecord(const Personality& p, const CopyFields& f) {
  Record r(kMemcpy, p);
  PutCopy(r, f);
  r.Put(44, f.correlation).Put(48, f.correlation).Put(64, f.graph_node).Put(72, f.graph);
  r.Put(76, 9u).Put(80, 2u).Put(84, uint8_t{0}).Put(88, f.count);
  return r;
}

Record PeerCopyRecord(const Personality& p, const CopyFields& f) {
  Record r(kMemcpy2, p);
  PutCopy(r, f);
  r.Put(44, f.peer_from_device).Put(48, f.peer_from_context);
  r.Put(52, f.peer_to_device).Put(56, f.peer_to_context).Put(60, f.correlation);
  r.Put(72, f.graph_node).Put(80, f.graph).Put(84, 9u).Put(88, 2u);
  return r;
}

Record FillRecord(const Personality& p, const FillFields& f) {
  Record r(kMemset, p);
  PutCopyHead(r, f.time, f.place, f.bytes);
  r.Put(4, f.value).Put(44, f.correlation).Put(48, static_cast<uint16_t>(f.is_async)).Put(50, f.memory);
  r.Put(64, f.graph_node).Put(72, f.graph).Put(76, 9u).Put(80, 2u).Put(84, uint8_t{0});
  return r;
}

Record ApiRecord(const Personality& p, const ApiFields& f) {
  Record r(f.is_driver ? kDriver : kRuntime, p);
  r.Put(4, f.callback_id).Put(8, f.time.start).Put(16, f.time.end).Put(24, f.process).Put(28, f.thread);
  r.Put(32, f.correlation).Put(36, f.result);
  return r;
}

Record SyncRecord(const Personality& p, const SyncFields& f) {
  Record r(kSynchronization, p);
  r.Put(4, f.type).Put(8, f.time.start).Put(16, f.time.end).Put(24, f.correlation).Put(28, f.context);
  r.Put(32, f.stream).Put(36, f.event).Put(40, uint64_t{0}).Put(48, 0u);
  return r;
}

Record MemoryRecord(const Personality& p, const MemoryFields& f) {
  Record r(kMemory2, p);
  r.Put(4, f.operation).Put(8, f.memory).Put(12, f.correlation).Put(16, f.address).Put(24, f.bytes);
  r.Put(32, f.time).Put(40, uint64_t{0}).Put(48, f.process);
  r.Put(52, f.place.device).Put(56, f.place.context).Put(60, f.place.stream).Put(64, f.name);
  r.Put(72, static_cast<uint32_t>(f.is_async));
  return r;
}

Record GraphRecord(const Personality& p, const GraphFields& f) {
  Record r(kGraphTrace, p);
  r.Put(4, f.correlation).Put(8, f.time.start).Put(16, f.time.end).Put(24, f.place.device).Put(28, f.graph);
  r.Put(32, f.place.context).Put(36, f.place.stream).Put(48, f.place.device).Put(52, f.place.context);
  return r;
}

Record DeviceRecord(const Personality& p, const DeviceFields& f) {
  Record r(kDevice, p);
  r.Put(4, 1u).Put(8, f.bandwidth_kb).Put(16, f.memory_bytes).Put(24, 65536u).Put(28, 50u << 20).Put(32, 32u);
  r.Put(36, f.clock_khz)
      .Put(40, f.copy_engines)
      .Put(44, f.multiprocessors)
      .Put(48, 4u)
      .Put(52, 64u)
      .Put(56, 32u);
  r.Put(60, 233'472u).Put(64, 65'536u).Put(68, 65'536u).Put(72, 49'152u).Put(76, 1024u);
  r.Put(104, f.major).Put(108, f.minor).Put(112, f.id).Put(116, 1u);
  for (size_t i = 0; i < 16; ++i) r.Put(120 + i, f.uuid[i]);
  r.Put(136, f.name).Put(144, uint8_t{1}).Put(145, static_cast<uint8_t>(f.is_mig)).Put(152, 0u).Put(156, 0u);
  return r;
}

Record ContextRecord(const Personality& p, uint32_t id, uint32_t device, uint16_t null_stream) {
  Record r(kContext, p);
  r.Put(4, id).Put(8, device).Put(12, uint16_t{1}).Put(14, null_stream);
  r.Put(16, 0u).Put(20, uint8_t{0}).Put(22, uint16_t{132}).Put(24, 0u);
  return r;
}

Record StreamRecord(const Personality& p, uint32_t context, uint32_t id, uint32_t flag) {
  Record r(kStream, p);
  r.Put(4, context).Put(8, id).Put(12, 0u).Put(16, flag).Put(20, 0u);
  return r;
}

Record NameRecord(const Personality& p, uint32_t object, const uint32_t ids[3], const char* name) {
  Record r(kName, p);
  r.Put(4, object).Put(8, ids[0]).Put(12, ids[1]).Put(16, ids[2]).Put(24, name);
  return r;
}

Record MarkerRecord(const Personality& p, uint32_t flags, uint64_t time, uint32_t id, uint32_t process,
                    uint32_t thread, const char* name, const char* domain) {
  Record r(kMarker, p);
  r.Put(4, flags).Put(8, time).Put(16, id).Put(20, uint32_t{kObjectThread}).Put(24, process).Put(28, thread);
  r.Put(40, name).Put(48, domain);
  return r;
}

Record OverheadRecord(const Personality& p, uint32_t kind, Stamps time, uint32_t process, uint32_t thread) {
  Record r(kOverhead, p);
  r.Put(4, kind).Put(8, uint32_t{kObjectThread}).Put(12, process).Put(16, thread);
  r.Put(24, time.start).Put(32, time.end).Put(40, 0u);
  // A full command buffer comes with more data, which the reader has to free: LSan sees whether it does.
  const bool has_more = kind == 6u << 16 && r.size() >= 56;
  r.Put<const void*>(48, has_more ? std::malloc(32) : nullptr);
  return r;
}

Record ExternalCorrelationRecord(const Personality& p, uint32_t kind, uint64_t id, uint32_t correlation) {
  Record r(kExternalCorrelation, p);
  r.Put(4, kind).Put(8, id).Put(16, correlation);
  return r;
}

size_t EndOffset(uint32_t kind) {
  switch (kind) {
    case kSynchronization:
    case kGraphTrace:
      return 16;
    default:
      return 24;
  }
}

}  // namespace fakegpu
