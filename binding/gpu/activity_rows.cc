// The hot half of the reader: records that become rows.
#include <string>

#include "activity_reader.h"
#include "memory_names.h"

namespace opscope::gpu {

namespace {

using cupti::Kind;
using cupti::Load;

const char* const kSyncNames[] = {"Sync", "Event Sync", "Stream Wait Event", "Stream Sync", "Context Sync"};

}  // namespace

uint32_t ActivityReader::NewCallText(uint32_t domain, uint32_t id, std::vector<uint32_t>* cache) {
  const ApiName& name = source_.names->Find(domain, id);
  uint32_t text = kSkippedText;
  if (name.api_class == ApiClass::kUnknown) {
    text =
        store_.texts.Intern((domain == cupti::kRuntimeDomain ? "cudaCall" : "cuCall") + std::to_string(id));
  } else if (name.api_class != ApiClass::kNoise) {
    text = store_.texts.Intern(name.text);
  }
  if (id < cache->size()) (*cache)[id] = text;
  return text;
}

inline uint32_t ActivityReader::CallText(uint32_t domain, uint32_t id) {
  std::vector<uint32_t>& cache = domain == cupti::kRuntimeDomain ? runtime_texts_ : driver_texts_;
  const uint32_t text = id < cache.size() ? cache[id] : kUnseenText;
  return text != kUnseenText ? text : NewCallText(domain, id, &cache);
}

uint32_t ActivityReader::CopyText(uint32_t direction, uint32_t from, uint32_t to) {
  if (direction >= kCopyDirectionCount) direction = 0;
  if (from >= kMemoryKindCount) from = 0;
  if (to >= kMemoryKindCount) to = 0;
  uint32_t& text = copy_texts_[(direction * kMemoryKindCount + from) * kMemoryKindCount + to];
  if (text == kUnseenText) text = store_.texts.Intern(CopyName(direction, from, to));
  return text;
}

[[gnu::always_inline]] inline bool ActivityReader::FillKernel(const uint8_t* record, uint32_t row_index,
                                                              GpuRow* row, KernelRow* kernel) {
  namespace at = cupti::kernel;
  if (!MapTimes(Load(record, at::kStart), Load(record, at::kEnd), &row->start_ns, &row->end_ns)) return false;
  row->correlation_id = epoch_.Widen(Load(record, at::kCorrelation));
  row->bytes = 0;
  row->name = store_.texts.InternPointer(Load(record, at::kName));
  row->device = Load(record, at::kDevice);
  row->context = Load(record, at::kContext);
  row->stream = Load(record, at::kStream);
  row->launch = -1;
  row->span = kNoParent;
  row->kind = GpuKind::kKernel;
  row->from = row->to = MemoryKind::kUnknown;

  kernel->row = row_index;
  kernel->grid_x = Load(record, at::kGridX);
  kernel->grid_y = Load(record, at::kGridY);
  kernel->grid_z = Load(record, at::kGridZ);
  kernel->block_x = Load(record, at::kBlockX);
  kernel->block_y = Load(record, at::kBlockY);
  kernel->block_z = Load(record, at::kBlockZ);
  kernel->static_shared_bytes = Load(record, at::kStaticShared);
  kernel->dynamic_shared_bytes = Load(record, at::kDynamicShared);
  kernel->local_bytes_per_thread = Load(record, at::kLocalPerThread);
  kernel->registers_per_thread = Load(record, at::kRegisters);
  if (has_kernel_tail_) {
    kernel->queued_ns = Load(record, at::kQueued);
    kernel->submitted_ns = Load(record, at::kSubmitted);
    kernel->executed_shared_bytes = Load(record, at::kExecutedShared);
    kernel->graph_node_id = Load(record, at::kGraphNode);
    kernel->graph_id = Load(record, at::kGraph);
  } else {
    kernel->queued_ns = kernel->submitted_ns = kernel->graph_node_id = 0;
    kernel->executed_shared_bytes = kernel->graph_id = 0;
  }
  return true;
}

// One row for the whole graph: with GpuOptions::graph_nodes off there are no others.
bool ActivityReader::FillGraph(const uint8_t* record, uint32_t row_index, GpuRow* row, KernelRow* kernel) {
  namespace at = cupti::graph;
  *row = {};
  if (!MapTimes(Load(record, at::kStart), Load(record, at::kEnd), &row->start_ns, &row->end_ns)) return false;
  row->correlation_id = epoch_.Widen(Load(record, at::kCorrelation));
  row->device = Load(record, at::kDevice);
  row->context = Load(record, at::kContext);
  row->stream = Load(record, at::kStream);
  row->launch = -1;
  row->span = kNoParent;
  row->kind = GpuKind::kKernel;
  *kernel = {};
  kernel->row = row_index;
  kernel->graph_id = Load(record, at::kGraph);
  row->name = store_.texts.Intern("CUDA graph " + std::to_string(kernel->graph_id));
  return true;
}

[[gnu::always_inline]] inline bool ActivityReader::FillCall(uint32_t domain, const uint8_t* record,
                                                            GpuApiCall* call) {
  namespace at = cupti::api;
  const uint32_t id = Load(record, at::kId);
  const uint64_t wide_id = epoch_.WidenCall(Load(record, at::kCorrelation));
  const uint32_t text = CallText(domain, id);
  call->os_thread_id = Load(record, at::kThread);
  if (text == kSkippedText || call->os_thread_id == source_.own_thread_id) return false;
  if (!MapTimes(Load(record, at::kStart), Load(record, at::kEnd), &call->start_ns, &call->end_ns))
    return false;
  call->correlation_id = wide_id;
  call->name = text;
  call->result = Load(record, at::kReturnValue);
  return true;
}

bool ActivityReader::FillCopy(const uint8_t* record, GpuRow* row) {
  namespace at = cupti::copy;
  *row = {};
  if (!MapTimes(Load(record, at::kStart), Load(record, at::kEnd), &row->start_ns, &row->end_ns)) return false;
  const uint32_t direction = Load(record, at::kDirection), from = Load(record, at::kFrom),
                 to = Load(record, at::kTo);
  row->correlation_id = epoch_.Widen(Load(record, at::kCorrelation));
  row->bytes = Load(record, at::kBytes);
  row->name = CopyText(direction, from, to);
  row->device = Load(record, at::kDevice);
  row->context = Load(record, at::kContext);
  row->stream = Load(record, at::kStream);
  row->launch = -1;
  row->span = kNoParent;
  row->kind = GpuKind::kCopy;
  row->from = MemoryKindOf(from);
  row->to = MemoryKindOf(to);
  if (row->from == MemoryKind::kUnknown) row->from = SideOf(direction, true);
  if (row->to == MemoryKind::kUnknown) row->to = SideOf(direction, false);
  if (direction == cupti::kCopyPeer) row->to = MemoryKind::kPeer;
  return true;
}

bool ActivityReader::FillPeerCopy(const uint8_t* record, GpuRow* row) {
  namespace at = cupti::peer_copy;
  // Up to the stream a peer copy is a copy; its number lies elsewhere.
  if (!FillCopy(record, row)) return false;
  row->correlation_id = epoch_.Widen(Load(record, at::kCorrelation));
  row->from = MemoryKind::kDevice;
  row->to = MemoryKind::kPeer;
  row->name = store_.texts.Intern("Memcpy PtoP (GPU " + std::to_string(Load(record, at::kFromDevice)) +
                                  " -> GPU " + std::to_string(Load(record, at::kToDevice)) + ")");
  return true;
}

bool ActivityReader::FillMemset(const uint8_t* record, GpuRow* row) {
  namespace at = cupti::fill;
  *row = {};
  if (!MapTimes(Load(record, at::kStart), Load(record, at::kEnd), &row->start_ns, &row->end_ns)) return false;
  const uint32_t memory = Load(record, at::kMemory);
  row->correlation_id = epoch_.Widen(Load(record, at::kCorrelation));
  row->bytes = Load(record, at::kBytes);
  row->name = store_.texts.InternPointer(FillName(memory));
  row->device = Load(record, at::kDevice);
  row->context = Load(record, at::kContext);
  row->stream = Load(record, at::kStream);
  row->launch = -1;
  row->span = kNoParent;
  row->kind = GpuKind::kFill;
  row->to = MemoryKindOf(memory);
  return true;
}

bool ActivityReader::FillSync(const uint8_t* record, GpuRow* row) {
  namespace at = cupti::sync;
  *row = {};
  if (!MapTimes(Load(record, at::kStart), Load(record, at::kEnd), &row->start_ns, &row->end_ns)) return false;
  const uint32_t type = Load(record, at::kType), stream = Load(record, at::kStream);
  if (type == cupti::kSyncContext && row->start_ns >= store_.own_sync_from_ns &&
      row->end_ns <= store_.own_sync_to_ns)
    return false;
  row->correlation_id = epoch_.Widen(Load(record, at::kCorrelation));
  row->name = store_.texts.InternPointer(kSyncNames[type <= cupti::kSyncContext ? type : 0]);
  row->context = Load(record, at::kContext);
  row->stream = stream == cupti::kInvalidId ? 0 : stream;  // events and contexts have none
  const GpuContext* context = store_.FindContext(row->context);
  row->device = context != nullptr ? context->device : 0;
  row->launch = -1;
  row->span = kNoParent;
  row->kind = GpuKind::kSync;
  return true;
}

[[gnu::always_inline]] inline void ActivityReader::Decode(uint32_t kind, const uint8_t* record,
                                                          Cursor* cursor) {
  if (!is_readable_[kind]) return;
  bool is_row = false;
  switch (static_cast<Kind>(kind)) {
    case Kind::kKernel:
    case Kind::kConcurrentKernel:
      is_row = FillKernel(record, cursor->row_index, cursor->row, cursor->kernel);
      if (is_row) ++cursor->kernel;
      break;
    case Kind::kGraphTrace:
      is_row = FillGraph(record, cursor->row_index, cursor->row, cursor->kernel);
      if (is_row) ++cursor->kernel;
      break;
    case Kind::kRuntime:
      if (FillCall(cupti::kRuntimeDomain, record, cursor->call)) cursor->AddCall(false);
      return;
    case Kind::kDriver:
      if (FillCall(cupti::kDriverDomain, record, cursor->call)) cursor->AddCall(true);
      return;
    case Kind::kMemcpy:
      is_row = FillCopy(record, cursor->row);
      break;
    case Kind::kMemcpyPeer:
      is_row = FillPeerCopy(record, cursor->row);
      break;
    case Kind::kMemset:
      is_row = FillMemset(record, cursor->row);
      break;
    case Kind::kSynchronization:
      is_row = FillSync(record, cursor->row);
      break;
    case Kind::kOverhead:
      DecodeOverhead(record);
      break;
    case Kind::kMarker:
      DecodeMarker(record);
      break;
    case Kind::kMemory2:
      DecodeMemory(record);
      break;
    case Kind::kDevice:
      DecodeDevice(record);
      break;
    case Kind::kContext:
      DecodeContext(record);
      break;
    case Kind::kName:
      DecodeName(record);
      break;
    case Kind::kStream:
      break;
  }
  if (is_row) cursor->AddRow();
}

size_t ActivityReader::ReadByStride(const uint8_t* buffer, size_t valid_bytes, Cursor* shared) {
  Cursor cursor = *shared;
  size_t at = 0;
  while (valid_bytes - at >= 8) {
    const uint8_t* record = buffer + at;
    const uint32_t kind = Load(record, cupti::kKindField);
    if (kind >= cupti::kKindLimit) break;
    const size_t stride = strides_[kind];
    if (stride == 0 || stride > valid_bytes - at) break;
    Decode(kind, record, &cursor);
    ++cursor.record_count;
    at += stride;
  }
  *shared = cursor;
  return at;
}

uint64_t ActivityReader::ReadByLibrary(uint8_t* buffer, size_t valid_bytes, Cursor* shared) {
  uint64_t count = 0;
  Cursor cursor = *shared;
  uint8_t* record = nullptr;
  while (source_.next_record(buffer, valid_bytes, &record) == cupti::kSuccess && record != nullptr) {
    const uint32_t kind = Load(record, cupti::kKindField);
    const size_t left = valid_bytes - static_cast<size_t>(record - buffer);
    if (kind < cupti::kKindLimit && strides_[kind] <= left) Decode(kind, record, &cursor);
    ++cursor.record_count;
    // No record is shorter than 8 bytes: a walker that does not move would never end.
    if (++count > valid_bytes / 8) break;
  }
  *shared = cursor;
  return count;
}

}  // namespace opscope::gpu
