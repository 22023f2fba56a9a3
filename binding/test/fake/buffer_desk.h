// Buffers of the client: asked for, checked, filled with records, given back.
//
// Each lane fills one buffer at a time: a lane per thread, or one for all
// threads, and one for what the library's own worker writes. The client's
// callbacks run under the lane's lock and no other: a client that waits in a
// callback for a thread that is inside the library hangs here as it does with
// the real one.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "abi.h"
#include "journal.h"
#include "personality.h"
#include "record.h"
#include "worker.h"

namespace fakegpu {

// Oddities of completing a buffer; each is used up by the next one it fits.
struct BufferOddities {
  uint32_t truncate_bytes = 0;  // valid size is cut by so much
  bool complete_twice = false;
  bool hold_until_disable = false;  // flushes do not return it, the worker does, after a Disable
  bool hold_until_unsubscribe = false;
};

class BufferDesk {
 public:
  BufferDesk(Journal& journal, Worker& worker) : journal_(journal), worker_(worker) {}

  void SetCallbacks(RequestCallback request, CompleteCallback complete);
  bool HasCallbacks() const;
  // As the attributes say. Between sessions only.
  void Configure(const Personality& personality, bool per_thread, bool client_zeroes);
  void SetOddities(const BufferOddities& oddities);
  void SetByteLimit(size_t bytes);            // buffers count as full from here on; 0: as large as they are
  void SetCompletesOnWorker(bool on_worker);  // full buffers; flushed ones come back on the flusher
  void Reset();

  enum class Lane { kCaller, kWorker };
  // Calls back on this thread when a buffer is needed. `is_open`: the record
  // will not be complete, so that only a forced flush returns its buffer.
  void Write(Lane lane, const Record& record, bool is_open = false);
  void WriteGarbage(size_t bytes);
  // A record of this thread's lane once more.
  void Duplicate();
  // Gives back this thread's buffer, full or not.
  void CompleteCaller(bool on_worker);
  // Returns once all callbacks are done.
  void Flush(bool forced);
  void ReleaseHeld(bool for_unsubscribe);

  uint64_t LiveBufferCount() const;
  void AddDrops(const void* context, uint64_t count);
  uint64_t TakeDrops(const void* context);
  uint64_t UnreadDrops() const;

 private:
  struct Buffer {
    uint8_t* bytes = nullptr;
    size_t size = 0, used = 0, max_records = 0, records = 0;
    bool has_open_record = false;
  };
  struct LaneState {
    std::mutex mutex;
    Buffer buffer;
    size_t last_record = 0, last_size = 0;
  };
  LaneState& LaneOf(Lane lane);
  // Both under the lane's lock.
  bool Reserve(LaneState& lane, size_t bytes);
  void Complete(LaneState& lane, bool on_worker);
  bool Request(Buffer& buffer);
  void Check(const Buffer& buffer);
  void Return(const Buffer& buffer, size_t valid, bool twice);
  void CallComplete(const Buffer& buffer, size_t valid);

  Journal& journal_;
  Worker& worker_;
  mutable std::mutex mutex_;  // everything below
  Personality personality_;
  RequestCallback request_ = nullptr;
  CompleteCallback complete_ = nullptr;
  bool per_thread_ = false, client_zeroes_ = false, completes_on_worker_ = true;
  size_t byte_limit_ = 0;
  BufferOddities oddities_;
  std::map<int64_t, LaneState> lanes_;  // by thread id; kSharedLane, kWorkerLane
  std::map<const uint8_t*, size_t> live_;
  struct Held {
    Buffer buffer;
    bool for_unsubscribe;
  };
  std::deque<Held> held_;
  std::map<const void*, uint64_t> drops_;
};

}  // namespace fakegpu
