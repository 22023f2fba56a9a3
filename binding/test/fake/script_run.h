// A script in progress: whose turn it is, what time it is, and the ops that
// make records. One thread at a time: the runner hands each op to the thread it
// belongs to and waits.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fake_gpu.h"
#include "script_line.h"

namespace fakegpu {

struct ApiCall {
  int domain = kRuntimeDomain;
  uint32_t callback_id = 0;
  std::optional<int64_t> at_ns;
  int64_t duration_ns = 1000;
  std::optional<uint32_t> correlation;
  uint32_t result = 0;
  std::optional<uint32_t> thread_id;
};

// Scripts may ask for times that no clock shows; they wrap.
inline int64_t Sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

// What GPU ops have in common.
struct GpuOp {
  Place place;
  std::optional<int64_t> at_ns, gap_ns;
  int64_t duration_ns = 5000;
  std::optional<uint32_t> correlation;
  uint64_t node = 0;
  uint32_t graph = 0;
  bool is_incomplete = false, is_running = false, has_zero_time = false, is_negative = false,
       is_twice = false;
};

class ScriptRun {
 public:
  ScriptRun();
  // Writes what is still withheld; waits, while live, until script time has passed.
  void Finish();

  // Moments and threads.
  std::optional<int64_t> TakeMoment(ScriptLine& line) const;
  // On the thread whose turn it is; throws here what the op throws there.
  void OnThread(void (*op)(ScriptRun&, ScriptLine&), ScriptLine& line);
  void SetThread(uint32_t thread);  // on the thread whose turn ends
  int64_t HostNow() const;          // of this thread
  void Pass(int64_t until_ns);      // of this thread, and of a scripted clock
  void Restart();                   // the clock was set: the script starts anew now
  void ReadOffset() { wall_offset_ = gpu_.clock.WallOffset(); }
  uint64_t HostStamp(int64_t ns) const { return static_cast<uint64_t>(Sum(ns, wall_offset_)); }
  uint32_t OsThread() const { return gpu_.session.CurrentThreadId(); }
  int64_t LatestGpuEnd(std::optional<uint32_t> stream) const;

  // Records.
  struct Interval {
    int64_t start_ns = 0, end_ns = 0;
    uint32_t correlation = 0;  // as records tell it
  };
  Interval Call(const ApiCall& call);
  Interval Schedule(const GpuOp& op);
  Stamps StampsOf(const GpuOp& op, const Interval& interval) const;
  void WriteGpu(const Record& record, const GpuOp& op, const Interval& interval);
  void WriteHost(const Record& record) { gpu_.desk.Write(BufferDesk::Lane::kCaller, record); }
  void OpenGraph(uint32_t graph);
  void CloseGraph();
  void WriteLateCalls();  // on the runner
  void BeQuiet();         // until Finish

  FakeGpu& gpu() { return gpu_; }
  const Personality& personality() const { return gpu_.personality; }

  // Set by ops of the same names.
  Place place;
  enum class Delivery { kNow, kWorker, kFlush } delivery = Delivery::kNow;
  bool reorder_next = false, late_next = false;
  std::vector<std::pair<uint32_t, uint64_t>> external_next;  // kind, id
  BufferOddities oddities;

 private:
  struct ThreadState {
    int64_t now_ns = 0, call_end_ns = 0;
    uint32_t correlation = 0;
  };
  struct Graph {
    uint32_t id = 0, nodes = 0;
    std::optional<Place> place;
    int64_t start_ns = 0, end_ns = 0;
    uint32_t correlation = 0;
  };
  ThreadState& State();
  void CloseThread();

  FakeGpu& gpu_;
  int64_t start_ns_ = 0, wall_offset_ = 0, latest_ns_ = 0;
  uint32_t thread_ = 0;
  bool is_quiet_ = false;
  std::map<uint32_t, ThreadState> threads_;
  std::map<std::pair<uint32_t, uint32_t>, int64_t> stream_ends_;  // by context, stream
  std::optional<Graph> graph_;
  std::optional<Record> reordered_;
  std::vector<std::pair<uint32_t, Record>> late_;
};

// The application threads that scripts name 1, 2, ...: real ones, shared by all scripts.
Worker& AppThread(uint32_t number);

}  // namespace fakegpu
