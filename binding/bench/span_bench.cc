// Cost of a host span from C++ beside two reads of the CPU's counter. Prints
// one JSON line a figure: {name, value, unit, floor, ratio, target, met}.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "core/native_api.h"
#include "core/recorder.h"

using namespace opscope;

namespace {

constexpr int kRounds = 41;
constexpr int kSpans = 20'000;
constexpr int kPerChunk = 2000;  // 6,000 of 8,184 words

void Print(const char* name, double value, double floor, double target, const char* unit = "ns") {
  const double ratio = value / floor;
  std::printf(
      "{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"floor\":%.3f,\"ratio\":%.3f,\"target\":%.3f,\"met\":"
      "%s}\n",
      name, value, unit, floor, ratio, target, ratio <= target ? "true" : "false");
}

double Now() { return static_cast<double>(MonotonicNs()); }

template <typename Body>
double RoundNs(Body body) {
  const double start = Now();
  for (int i = 0; i < kSpans; ++i) body();
  return (Now() - start) / kSpans;
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

volatile uint64_t g_sink;

void ReadTwice() { g_sink = clock_detail::ReadCounter() + clock_detail::ReadCounter(); }

uint32_t g_name;

// As another addon records it, through the C header.
uint32_t g_header_name = 0;
void Span() {
  const opscope_token span = opscope_begin("bench", &g_header_name);
  opscope_end(span);
}

// The log's chunk is reused: nothing but the recording itself is timed.
struct HotLog {
  ChunkPool pool{Chunk::kBytes * 2};
  ThreadLog log{1, &pool, 0};
  HotLog() { log.control().gate.store(~0u); }
  void Rewind() {
    if (Chunk* chunk = log.first.load()) chunk->used.store(0);
  }
};

double HotRound(HotLog* hot) {
  double total = 0;
  for (int done = 0; done < kSpans; done += kPerChunk) {
    hot->Rewind();
    const double start = Now();
    for (int i = 0; i < kPerChunk; ++i) {
      hot->log.Begin(g_name);
      hot->log.End(g_name);
    }
    total += Now() - start;
  }
  return total / kSpans;
}

double OneThreadFresh() {
  Recorder& recorder = Recorder::Get();
  const int session = recorder.StartSession({});
  std::vector<double> rounds;
  for (int i = 0; i < kRounds; ++i) rounds.push_back(RoundNs([] { Span(); }));
  MergeInput input;
  if (recorder.StopSession(session, &input).ok()) recorder.ReleaseSession(session);
  return Median(rounds);
}

double ThreadsHot(int count) {
  std::atomic<int> ready{0};
  std::vector<double> medians(static_cast<size_t>(count));
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t) {
    threads.emplace_back([&, t] {
      HotLog hot;
      ++ready;
      while (ready.load() < count) {
      }
      std::vector<double> rounds;
      for (int i = 0; i < kRounds; ++i) rounds.push_back(HotRound(&hot));
      medians[static_cast<size_t>(t)] = Median(rounds);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return *std::max_element(medians.begin(), medians.end());
}

}  // namespace

int main() {
  g_name = Recorder::Get().names().Intern("bench", Category::kCpuOp, Role::kOp, {});
  opscope_slot_v1.store(NativeApi());
  opscope_gate_v1 = Recorder::gate_address();
  HotLog hot;
  std::vector<double> floors, hots, offs;
  // Interleaved, so that a slow moment of the machine hits both sides.
  for (int i = 0; i < kRounds; ++i) {
    floors.push_back(RoundNs([] { ReadTwice(); }));
    hots.push_back(HotRound(&hot));
    offs.push_back(RoundNs([] { Span(); }));
  }
  const double floor = Median(floors);
  Print("cpp span on, hot", Median(hots), floor, 1.25);
  Print("cpp span off", Median(offs), floor, 0.08);
  Print("cpp span on, first touch", OneThreadFresh(), floor, 1.9);
  const double one = ThreadsHot(1);
  Print("cpp span, two threads beside one", ThreadsHot(2), one, 1.05);
  const double bytes = hot.log.first.load()->used.load() * 8.0 / kPerChunk;
  Print("cpp bytes a span", bytes, 24, 1.0, "B");
  return 0;
}
