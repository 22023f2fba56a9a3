// Fragments of request traces -> whole traces, in bounded memory.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "id_intervals.h"
#include "request_trace.h"
#include "request_trace_fragment.h"
#include "request_trace_names.h"

namespace opscope {

// What is kept of a trace beyond its slots.
struct TraceNeeds {
  bool all_stamps = false;
  bool request_ids = false;
  bool tensors = false;
};

// Joins fragments by id, and traces to families by parent. The family that no
// fragment came for the longest is handed on when others need its room: a server
// writes the fragments of a request together, or while it handles some thousands
// of others at most. Not thread-safe.
class RequestTraceWindow {
 public:
  // 4096 and 65,536 took the same time; this many are 5 MiB.
  static constexpr size_t kMostOpen = 16384;
  // Of stamps, tensors and request ids in the window.
  static constexpr size_t kMostBytes = 64u << 20;
  // A root is 1 deep. Real ensembles have up to 5.
  static constexpr uint32_t kMostDepth = 64;

  explicit RequestTraceWindow(TraceNeeds needs) : needs_(needs) {}

  void Add(int64_t id, const std::vector<TraceStamp>& stamps, const StampNames& names);
  void Add(const TraceFragment& fragment, const StampNames& names);
  // All that is open is whole: the array ends. The next one may use the same ids again.
  void CloseAll();

  // What was closed since the last call.
  RequestTracePiece Take();
  // Version, a line end, name: as RequestTracePiece::models counts them.
  const std::vector<std::string>& models() const noexcept { return models_.texts(); }
  TraceCounts counts;

 private:
  using Index = uint32_t;
  static constexpr Index kNone = UINT32_MAX;

  struct Extras {
    std::string request_id;
    std::vector<TraceStamp> stamps;
    std::vector<TraceTensor> tensors;
    size_t bytes = 0;
  };
  struct Open {
    int64_t id, parent_id;
    uint32_t flags;
    int32_t model;
    uint32_t filled;  // bits of slots
    // The height of what is below it, at least.
    uint32_t height;
    Index parent, first_child, last_child, next_sibling;
    Index newer, older;  // of a root: in order of the last touch
    std::array<int64_t, kSlotCount> slots;
    std::unique_ptr<Extras> extras;
  };

  Index Find(int64_t id);
  Index Touch(int64_t id, bool* is_first);
  Index Make(int64_t id, uint32_t flags);
  Index RootOf(Index at, uint32_t* depth) const noexcept;
  void Unlink(Index root) noexcept;
  void PutNewest(Index root) noexcept;
  void Join(Index child, int64_t parent_id);
  void AddStamp(Open* open, TraceStamp stamp, const StampNames& names, bool has_parent);
  void AddRest(Open* open, const TraceFragment& fragment);
  Extras* ExtrasOf(Open* open);
  void KeepBytes(Open* open, size_t bytes);
  void MakeRoom();
  void Close(Index root);
  void Emit(const Open& open, int32_t parent_row, bool with_tensors);
  bool WantsTensors(Index root);

  const TraceNeeds needs_;
  std::vector<Open> open_;
  std::vector<Index> free_;
  std::unordered_map<int64_t, Index> by_id_;
  int64_t last_id_ = 0;
  Index last_ = kNone;  // of last_id_
  Index newest_ = kNone, oldest_ = kNone;
  size_t open_count_ = 0;
  size_t bytes_ = 0;
  IdIntervals closed_;
  BoundedNames models_;
  std::string model_key_;
  RequestTracePiece batch_;
  std::vector<std::pair<Index, int32_t>> walk_;
  int64_t first_child_id_ = std::numeric_limits<int64_t>::max();
  int64_t first_tensor_id_ = std::numeric_limits<int64_t>::max();
};

}  // namespace opscope
