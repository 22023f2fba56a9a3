// GPU records that are not in a buffer yet: of work that still runs, or that
// the library gets round to only at a flush. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <vector>

#include "record.h"

namespace fakegpu {

class HeldRecords {
 public:
  // `is_running`: until Finish, only a forced flush gives it, without an end time.
  void Hold(const Record& record, uint32_t context, bool is_running) {
    const std::lock_guard lock(mutex_);
    records_.push_back({record, context, is_running});
  }
  // The GPU is done with the work of this context; 0: of all.
  void Finish(uint32_t context) {
    const std::lock_guard lock(mutex_);
    for (Held& held : records_) {
      if (context == 0 || held.context == context) held.is_running = false;
    }
  }
  // What a flush may give now.
  std::vector<Record> Take(bool forced) {
    const std::lock_guard lock(mutex_);
    std::vector<Record> taken;
    std::vector<Held> kept;
    for (Held& held : records_) {
      if (held.is_running && !forced) {
        kept.push_back(held);
        continue;
      }
      if (held.is_running) held.record.Put(EndOffset(held.record.kind()), uint64_t{0});
      taken.push_back(held.record);
    }
    records_ = std::move(kept);
    return taken;
  }
  // The contexts are gone, and their records with them.
  void Lose(const std::set<uint32_t>& contexts) {
    const std::lock_guard lock(mutex_);
    std::erase_if(records_, [&](const Held& held) { return contexts.count(held.context) != 0; });
  }
  void Clear() {
    const std::lock_guard lock(mutex_);
    records_.clear();
  }
  uint64_t Count() const {
    const std::lock_guard lock(mutex_);
    return records_.size();
  }

 private:
  struct Held {
    Record record;
    uint32_t context;
    bool is_running;
  };
  mutable std::mutex mutex_;
  std::vector<Held> records_;
};

}  // namespace fakegpu
