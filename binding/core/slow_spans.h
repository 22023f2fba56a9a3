// Notices spans that take longer than they should, while a session goes on.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stream_sink.h"

namespace opscope {

struct SlowSpan {
  std::string name;
  int64_t duration_ns = 0;  // up to now, of one that is still open
};

// Follows the records of a session as a file would, and keeps no more than what
// is open. Sections, inferences and requests are looked at, ended or not; ops are
// inside of those. Take is for any thread.
class SlowSpans final : public StreamSink {
 public:
  explicit SlowSpans(int64_t threshold_ns) noexcept : threshold_ns_(threshold_ns) {}

  void Add(const StreamBatch& batch, const GpuRecords& gpu) override;
  Status Flush() override { return Status::Ok(); }
  uint64_t bytes() const noexcept override { return 0; }

  // The slowest since it was last asked, each span once.
  std::optional<SlowSpan> Take();

 private:
  struct Open {
    uint64_t start_ticks;
    uint32_t name;  // a name id
    uint64_t span_id;
    bool is_told;
  };
  struct Thread {
    std::vector<Open> stack;
    bool is_known = false;
  };

  void Read(Thread* thread, const uint64_t* record, const Session& session);
  void EndSpan(uint64_t span_id, uint64_t ticks);
  void Look(const Open& open, uint64_t end_ticks);

  const int64_t threshold_ns_;
  std::vector<std::string> names_;
  double ns_per_tick_ = 1;
  std::vector<Thread> threads_;              // by StreamBatch::Log::index
  std::unordered_map<uint64_t, Open> live_;  // with an id, by that

  std::mutex mutex_;
  std::optional<SlowSpan> slowest_;
};

}  // namespace opscope
