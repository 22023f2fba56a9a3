#include "script_run.h"

#include <unistd.h>

#include <algorithm>
#include <memory>

#include "callback_names.h"

namespace fakegpu {

Worker& AppThread(uint32_t number) {
  static std::mutex& mutex = *new std::mutex;
  static auto& threads = *new std::map<uint32_t, std::unique_ptr<Worker>>;
  const std::lock_guard lock(mutex);
  std::unique_ptr<Worker>& thread = threads[number];
  if (thread == nullptr) thread = std::make_unique<Worker>("fake-app");
  return *thread;
}

ScriptRun::ScriptRun() : gpu_(FakeGpu::Get()) { Restart(); }

void ScriptRun::Restart() {
  start_ns_ = latest_ns_ = gpu_.clock.HostNs();
  threads_.clear();
  stream_ends_.clear();
  ReadOffset();
}

ScriptRun::ThreadState& ScriptRun::State() {
  return threads_.try_emplace(thread_, ThreadState{start_ns_, start_ns_, 0}).first->second;
}

std::optional<int64_t> ScriptRun::TakeMoment(ScriptLine& line) const {
  const std::optional<std::string> text = line.TakeText("at");
  if (!text) return std::nullopt;
  const int64_t amount = ParseAmount(*text);
  return text->front() == '+' ? start_ns_ + amount : amount;
}

void ScriptRun::OnThread(void (*op)(ScriptRun&, ScriptLine&), ScriptLine& line) {
  if (thread_ == 0) return op(*this, line);
  std::optional<ScriptError> error;
  AppThread(thread_).Run([&] {
    try {
      op(*this, line);
    } catch (const ScriptError& e) {
      error = e;
    }
  });
  if (error) throw *error;
}

void ScriptRun::SetThread(uint32_t thread) {
  CloseThread();
  thread_ = thread;
}

int64_t ScriptRun::HostNow() const {
  const auto state = threads_.find(thread_);
  const int64_t mine = state == threads_.end() ? start_ns_ : state->second.now_ns;
  return gpu_.clock.IsScripted() ? std::max(mine, gpu_.clock.HostNs()) : mine;
}

void ScriptRun::Pass(int64_t until_ns) {
  State().now_ns = std::max(State().now_ns, until_ns);
  latest_ns_ = std::max(latest_ns_, until_ns);
  if (gpu_.clock.IsScripted()) gpu_.clock.AdvanceTo(until_ns);
}

int64_t ScriptRun::LatestGpuEnd(std::optional<uint32_t> stream) const {
  int64_t latest = start_ns_;
  for (const auto& [key, end_ns] : stream_ends_) {
    if (!stream || key.second == *stream) latest = std::max(latest, end_ns);
  }
  return latest;
}

ScriptRun::Interval ScriptRun::Call(const ApiCall& call) {
  CloseGraph();
  Interval interval;
  interval.start_ns = call.at_ns.value_or(HostNow());
  interval.end_ns = interval.start_ns + call.duration_ns;
  const uint32_t correlation = call.correlation ? *call.correlation : gpu_.NextCorrelation();
  interval.correlation = gpu_.session.WantsAnyApi() ? correlation : 0;

  const auto [callback, user] = gpu_.session.CallbackOf(call.domain, call.callback_id);
  CallbackData data{};
  data.function = CallbackName(call.domain, call.callback_id);
  data.context = const_cast<void*>(gpu_.world.HandleOf(place.context));
  data.context_id = place.context;
  data.correlation_id = correlation;
  if (callback != nullptr) callback(user, call.domain, call.callback_id, &data);

  if (gpu_.session.WantsApi(call.domain, call.callback_id)) {
    if (gpu_.session.IsEnabled(kExternalCorrelation)) {
      for (const auto& [kind, id] : external_next) {
        WriteHost(ExternalCorrelationRecord(personality(), kind, id, correlation));
      }
    }
    ApiFields fields;
    fields.is_driver = call.domain == kDriverDomain;
    fields.callback_id = call.callback_id;
    fields.time = {HostStamp(interval.start_ns), HostStamp(interval.end_ns)};
    fields.process = static_cast<uint32_t>(getpid());
    fields.thread = call.thread_id ? *call.thread_id : OsThread();
    fields.correlation = correlation;
    fields.result = call.result;
    const Record record = ApiRecord(personality(), fields);
    if (late_next) {
      late_.emplace_back(thread_, record);
    } else if (reorder_next) {
      reordered_ = record;
    } else {
      WriteHost(record);
    }
  }
  external_next.clear();
  late_next = reorder_next = false;

  State().call_end_ns = interval.end_ns;
  State().correlation = interval.correlation;
  Pass(interval.end_ns);
  data.site = 1;
  if (callback != nullptr) callback(user, call.domain, call.callback_id, &data);
  return interval;
}

ScriptRun::Interval ScriptRun::Schedule(const GpuOp& op) {
  constexpr int64_t kGapNs = 2000;
  int64_t& stream_end =
      stream_ends_.try_emplace({op.place.context, op.place.stream}, start_ns_).first->second;
  Interval interval;
  if (op.at_ns) {
    interval.start_ns = *op.at_ns;
  } else if (op.gap_ns) {
    interval.start_ns = State().call_end_ns + *op.gap_ns;
  } else {
    interval.start_ns = std::max(stream_end, State().call_end_ns + kGapNs);
  }
  interval.end_ns = Sum(interval.start_ns, op.duration_ns);
  stream_end = std::max(stream_end, interval.end_ns);
  latest_ns_ = std::max(latest_ns_, interval.end_ns);
  const uint32_t own = op.correlation.value_or(0);
  interval.correlation = op.correlation && gpu_.session.WantsAnyApi() ? own : State().correlation;
  return interval;
}

Stamps ScriptRun::StampsOf(const GpuOp& op, const Interval& interval) const {
  if (op.has_zero_time) return {0, 0};
  const int64_t skew_ns = gpu_.clock.skew_ns();
  const uint64_t start = HostStamp(Sum(interval.start_ns, skew_ns));
  if (op.is_incomplete) return {start, 0};
  if (op.is_negative) return {start, start - static_cast<uint64_t>(op.duration_ns)};
  return {start, HostStamp(Sum(interval.end_ns, skew_ns))};
}

void ScriptRun::WriteGpu(const Record& record, const GpuOp& op, const Interval& interval) {
  if (graph_) {
    Graph& graph = *graph_;
    ++graph.nodes;
    graph.start_ns = graph.place ? std::min(graph.start_ns, interval.start_ns) : interval.start_ns;
    graph.end_ns = std::max(graph.end_ns, interval.end_ns);
    if (!graph.place) graph.place = op.place;
    if (gpu_.session.IsEnabled(kGraphTrace)) return;  // one record for all, at the close
  }
  for (int i = 0; i < (op.is_twice ? 2 : 1); ++i) {
    if (op.is_running || delivery == Delivery::kFlush) {
      gpu_.held.Hold(record, op.place.context, op.is_running);
    } else if (delivery == Delivery::kWorker) {
      gpu_.worker.Post([this_gpu = &gpu_, record, is_open = op.is_incomplete] {
        this_gpu->desk.Write(BufferDesk::Lane::kWorker, record, is_open);
      });
    } else {
      gpu_.desk.Write(BufferDesk::Lane::kCaller, record, op.is_incomplete);
    }
  }
  if (reordered_) {
    WriteHost(*reordered_);
    reordered_.reset();
  }
}

void ScriptRun::OpenGraph(uint32_t graph) {
  graph_ = Graph{};
  graph_->id = graph;
  graph_->correlation = State().correlation;
}

void ScriptRun::CloseGraph() {
  if (graph_ && graph_->place && gpu_.session.IsEnabled(kGraphTrace)) {
    const int64_t skew_ns = gpu_.clock.skew_ns();
    GraphFields fields;
    fields.time = {HostStamp(Sum(graph_->start_ns, skew_ns)), HostStamp(Sum(graph_->end_ns, skew_ns))};
    fields.place = *graph_->place;
    fields.correlation = graph_->correlation;
    fields.graph = graph_->id;
    WriteHost(GraphRecord(personality(), fields));
  }
  graph_.reset();
}

void ScriptRun::WriteLateCalls() {
  for (auto& [thread, record] : late_) {
    const auto write = [this, &late = record] {
      gpu_.desk.CompleteCaller(true);
      WriteHost(late);
    };
    if (thread == 0) {
      write();
    } else {
      AppThread(thread).Run(write);
    }
  }
  late_.clear();
}

void ScriptRun::BeQuiet() {
  if (!is_quiet_) gpu_.BeQuiet();
  is_quiet_ = true;
}

void ScriptRun::CloseThread() {
  CloseGraph();
  if (reordered_) WriteHost(*reordered_);
  reordered_.reset();
}

void ScriptRun::Finish() {
  if (thread_ == 0) {
    CloseThread();
  } else {
    AppThread(thread_).Run([this] { CloseThread(); });
  }
  WriteLateCalls();
  gpu_.worker.Drain();
  if (is_quiet_) gpu_.EndQuiet();
  if (!gpu_.clock.IsScripted()) gpu_.clock.AdvanceTo(latest_ns_);
}

}  // namespace fakegpu
