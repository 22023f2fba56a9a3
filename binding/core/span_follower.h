// Follows the spans of a session while it goes on, one by one as they end.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "stream_sink.h"

namespace opscope {

// Reads the records of a session as a file's writer would, and keeps no more than
// what is open. What derives from it is told of sections, inferences and
// requests; ops are inside of those. Its functions are called by Add alone.
class SpanFollower : public StreamSink {
 public:
  void Add(const StreamBatch& batch, const GpuRecords& gpu) override;
  Status Flush() override { return Status::Ok(); }
  uint64_t bytes() const noexcept override { return 0; }

 protected:
  struct Open {
    uint64_t start_ticks = 0;
    uint32_t name = 0;  // a name id
    uint64_t span_id = 0;
    bool is_told = false;   // or began before the session
    bool is_inner = false;  // inside of a request
  };
  // A span that was not told before has ended.
  virtual void Ended(const Open& open, int64_t duration_ns) = 0;
  // All that came was read.
  virtual void Looked(uint64_t now_ticks) = 0;

  // Those with an id that are open, by that.
  std::unordered_map<uint64_t, Open>& live() noexcept { return live_; }
  static bool IsFollowed(const Open& open) noexcept;
  int64_t DurationNs(const Open& open, uint64_t end_ticks) const noexcept;
  std::string NameOf(uint32_t name_id) const;

 private:
  struct Thread {
    std::vector<Open> stack;
    bool is_known = false;
  };

  void Read(Thread* thread, const uint64_t* record, const Session& session);
  bool IsInsideRequest(const Thread& thread, uint64_t parent_id) const;
  void EndSpan(uint64_t span_id, uint64_t ticks);
  void Tell(const Open& open, uint64_t end_ticks);

  std::vector<std::string> names_;
  double ns_per_tick_ = 1;
  std::vector<Thread> threads_;  // by StreamBatch::Log::index
  std::unordered_map<uint64_t, Open> live_;
};

}  // namespace opscope
