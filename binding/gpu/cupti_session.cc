#include "cupti_session.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>

namespace opscope::gpu {

namespace {

using cupti::Kind;

// At hand before the first launch, 16 MiB: CUPTI takes one for each thread that
// calls CUDA, and touching fresh pages is what made launches slow elsewhere.
constexpr size_t kReadyBuffers = 8;

// CUPTI's callbacks carry no argument of ours. Set once, before they are registered.
std::atomic<ActivityBufferPool*> g_pool{nullptr};

extern "C" void OnBufferRequested(uint8_t** buffer, size_t* bytes, size_t* max_records) noexcept {
  *max_records = 0;  // as many as fit
  *buffer = g_pool.load(std::memory_order_acquire)->Request(bytes);
}

extern "C" void OnBufferCompleted(cupti::Context context, uint32_t stream, uint8_t* buffer, size_t,
                                  size_t valid_bytes) noexcept {
  g_pool.load(std::memory_order_acquire)->Complete(context, stream, buffer, valid_bytes);
}

// On the thread that makes or ends a context, for nothing else.
extern "C" void OnCallback(void* contexts, uint32_t domain, uint32_t id, const void* what) noexcept {
  if (domain != cupti::kResourceDomain || what == nullptr) return;
  const cupti::Context context = Load(static_cast<const uint8_t*>(what), cupti::kResourceContext);
  if (id == cupti::kContextCreated) static_cast<LiveContexts*>(contexts)->Add(context);
  if (id == cupti::kContextDestroyed) static_cast<LiveContexts*>(contexts)->Remove(context);
}

std::string InjectionHint() {
  for (const char* name : {"CUDA_INJECTION64_PATH", "NSYS_PROFILING_SESSION_ID", "NVTX_INJECTION64_PATH"}) {
    if (std::getenv(name) != nullptr)
      return std::string("; ") + name + " is set, so another profiler is at work";
  }
  return "";
}

}  // namespace

CuptiSession::CuptiSession(int wake_fd) : pool_(ActivityBufferPool::kDefaultMaxBuffers, wake_fd) {
  g_pool.store(&pool_, std::memory_order_release);
}

GpuState CuptiSession::Start(const GpuOptions& options) {
  if (is_on_) {
    const bool adds_memory = options.memory && !options_.memory;
    const bool adds_driver = options.driver_api && !options_.driver_api;
    options_.memory |= options.memory;
    options_.driver_api |= options.driver_api;
    if (adds_memory) EnableIfPossible(Kind::kMemory2, "memory");
    if (adds_driver) EnableIfPossible(Kind::kDriver, "driver calls");
    return On();
  }
  options_ = options;
  driver_ = ProbeDriver();
  if (!driver_.reason.empty()) return {false, driver_.reason, driver_.detail};
  if (GpuState state = Load(); !state.available) return state;
  pool_.set_null_crashes(library_->defects.null_buffer_crashes);
  pool_.Prepare(kReadyBuffers);
  ForgetTrouble();
  if (GpuState state = Attach(); !state.available) return state;
  OpenRecording();
  if (GpuState state = EnableKinds(); !state.available) {
    DisableAll();
    Detach();
    std::lock_guard lock(store_mutex_);
    reader_.reset();
    raw_.reset();
    return state;
  }
  is_on_ = true;
  return On();
}

GpuState CuptiSession::Load() {
  if (library_ == nullptr) {
    CuptiOutcome outcome = LoadCupti(SearchOfProcess(driver_.driver_version));
    if (outcome.library == nullptr) return {false, outcome.reason, outcome.detail};
    library_ = std::move(outcome.library);
    names_ = ApiNames(library_->api.get_callback_name);
  }
  return {true, "", ""};
}

GpuState CuptiSession::On() const {
  return {true, "",
          "CUPTI " + std::to_string(library_->version) + " (" + library_->path + "), driver " +
              std::to_string(driver_.driver_version)};
}

GpuState CuptiSession::Refused(const char* step, cupti::Result result) const {
  std::string detail = std::string(step) + ": " + library_->api.ResultText(result) + ", " + library_->path +
                       ", driver " + std::to_string(driver_.driver_version);
  switch (result) {
    case cupti::kMultipleSubscribers:
    case cupti::kNotCompatible:
      return {false, "busy",
              (holder_.empty() ? "another profiler" : "\"" + holder_ + "\"") +
                  " has CUPTI in this process (" + detail + ")" + InjectionHint()};
    case cupti::kNotInitialized:
      if (driver_.driver_version / 1000 < library_->major) return {false, "driver-too-old", detail};
      return {false, "refused", detail};
    case cupti::kInsufficientPrivileges:
      return {false, "refused",
              detail + "; the driver lets only administrators profile (NVreg_RestrictProfilingToAdminUsers)"};
    case cupti::kConfidentialComputing:
      return {false, "refused", detail + "; confidential computing is on, without its developer mode"};
    case cupti::kVirtualizedDevice:
    case cupti::kVirtualizedPrivileges:
      return {false, "refused", detail + "; this virtual GPU does not allow tracing"};
    case cupti::kWslDevice:
      return {false, "refused", detail + "; not supported under WSL with this driver"};
    default:
      return {false, "refused", detail + InjectionHint()};
  }
}

cupti::Result CuptiSession::Subscribe() {
  const CuptiApi& api = library_->api;
  holder_.clear();
  const cupti::Result result = api.subscribe(&subscriber_, &OnCallback, &contexts_);
  if (result != cupti::kMultipleSubscribers || !library_->tells_holder) return result;
  // Only the second form tells who is in the way.
  char holder[128] = {};
  cupti::SubscribeParameters parameters;
  parameters.name = "opscope";
  parameters.holder = holder;
  parameters.holder_bytes = sizeof(holder) - 1;
  const cupti::Result second = api.subscribe_v2(&subscriber_, &OnCallback, &contexts_, &parameters);
  if (second == cupti::kMultipleSubscribers) holder_ = holder;
  return second;  // success: it has gone meanwhile
}

GpuState CuptiSession::Attach() {
  const CuptiApi& api = library_->api;
  if (const cupti::Result result = Subscribe(); result != cupti::kSuccess) {
    subscriber_ = nullptr;
    return Refused("cuptiSubscribe", result);
  }
  contexts_.Clear();
  if (api.enable_callback != nullptr) {
    // Two ids alone: the whole domain would call back for each kernel launched.
    for (const uint32_t id : {cupti::kContextCreated, cupti::kContextDestroyed})
      api.enable_callback(1, subscriber_, cupti::kResourceDomain, id);
  }
  // Else calls carry cut pthread ids, and none finds the span it was made in.
  if (api.set_thread_id_type != nullptr)
    Check("cuptiSetThreadIdType", api.set_thread_id_type(cupti::kSystemThreadId));
  // Older releases lack one or the other, and do without.
  for (const uint32_t attribute : {cupti::kAttributeZeroedBuffers, cupti::kAttributePerThreadBuffers}) {
    uint8_t on = 1;
    size_t bytes = sizeof(on);
    api.set_attribute(attribute, &bytes, &on);
  }
  // In each recording anew: a profiler that ran in between has put in its own.
  if (const cupti::Result result = api.register_callbacks(&OnBufferRequested, &OnBufferCompleted);
      result != cupti::kSuccess) {
    Detach();
    return Refused("cuptiActivityRegisterCallbacks", result);
  }
  return {true, "", ""};
}

cupti::Result CuptiSession::Enable(Kind kind) {
  const CuptiApi& api = library_->api;
  // Devices and contexts that exist already are told of again, where the library can.
  const bool dumps = (kind == Kind::kDevice || kind == Kind::kContext) && api.enable_and_dump != nullptr;
  cupti::Result result = dumps ? api.enable_and_dump(kind) : api.enable(kind);
  if (dumps && result != cupti::kSuccess) result = api.enable(kind);
  const bool is_new = std::find(enabled_.begin(), enabled_.end(), kind) == enabled_.end();
  if (result == cupti::kSuccess && is_new) enabled_.push_back(kind);
  return result;
}

void CuptiSession::ForgetTrouble() {
  std::lock_guard lock(store_mutex_);
  refused_kinds_.clear();
  refused_calls_.clear();
}

void CuptiSession::Check(const char* call, cupti::Result result) {
  if (result == cupti::kSuccess) return;
  const std::string trouble = std::string(call) + ": " + library_->api.ResultText(result);
  std::lock_guard lock(store_mutex_);
  ++refused_calls_[trouble];
}

void CuptiSession::EnableIfPossible(Kind kind, const char* name) {
  std::string trouble;
  if (!library_->layout.IsReadable(kind)) {
    trouble = "this CUPTI has no records of them";
  } else if (const cupti::Result result = Enable(kind); result != cupti::kSuccess) {
    trouble = library_->api.ResultText(result);
  }
  if (trouble.empty()) return;
  std::lock_guard lock(store_mutex_);
  refused_kinds_.push_back(std::string(name) + ": " + trouble);
}

GpuState CuptiSession::EnableKinds() {
  // Before the kernels: it replaces the records of a graph's nodes.
  if (!options_.graph_nodes) EnableIfPossible(Kind::kGraphTrace, "graph launches");
  if (const cupti::Result result = Enable(Kind::kConcurrentKernel); result != cupti::kSuccess) {
    return Refused("cuptiActivityEnable(CONCURRENT_KERNEL)", result);
  }
  EnableIfPossible(Kind::kMemcpy, "copies");
  EnableIfPossible(Kind::kMemcpyPeer, "peer copies");
  EnableIfPossible(Kind::kMemset, "fills");
  EnableIfPossible(Kind::kRuntime, "runtime calls");
  if (options_.driver_api) EnableIfPossible(Kind::kDriver, "driver calls");
  EnableIfPossible(Kind::kOverhead, "overhead");
  EnableIfPossible(Kind::kSynchronization, "synchronisations");
  if (options_.memory) EnableIfPossible(Kind::kMemory2, "memory");
  EnableIfPossible(Kind::kDevice, "devices");
  EnableIfPossible(Kind::kContext, "contexts");
  EnableIfPossible(Kind::kName, "names");
  EnableIfPossible(Kind::kMarker, "ranges");
  EnableCalls();  // last: enabling a kind forgets the choice of calls
  return {true, "", ""};
}

void CuptiSession::EnableCalls() {
  const CuptiApi& api = library_->api;
  if (api.enable_runtime_api != nullptr) {
    for (uint32_t id = 1; id < names_.LimitOf(cupti::kRuntimeDomain); ++id) {
      if (names_.Find(cupti::kRuntimeDomain, id).api_class == ApiClass::kNoise) api.enable_runtime_api(id, 0);
    }
  }
  if (!options_.driver_api && api.enable_driver_api != nullptr) EnableDriverLaunches();
}

// Programs that launch through the driver (Triton) would have GPU work without
// a cause. Where CUDA runs already, calls that are turned on one by one leave no
// record (CUPTI 13.0 on an H200), so all are, and those of no interest off again.
void CuptiSession::EnableDriverLaunches() {
  const CuptiApi& api = library_->api;
  cupti::Result result = Enable(Kind::kDriver);
  if (result == cupti::kSuccess) {
    bool is_filtered = false;
    for (uint32_t id = 1; id < names_.LimitOf(cupti::kDriverDomain); ++id) {
      if (names_.Find(cupti::kDriverDomain, id).CausesGpuWork()) continue;
      const cupti::Result off = api.enable_driver_api(id, 0);
      is_filtered |= off == cupti::kSuccess;  // a release may lack one or the other of them
      if (off != cupti::kSuccess) result = off;
    }
    if (is_filtered) return;
    Check("cuptiActivityDisable", api.disable(Kind::kDriver));
    enabled_.pop_back();
  }
  std::lock_guard lock(store_mutex_);
  refused_kinds_.push_back("launches through the driver: " + api.ResultText(result));
}

void CuptiSession::DisableAll() {
  while (!enabled_.empty()) {
    const Kind kind = enabled_.back();
    enabled_.pop_back();
    // Its records go on coming, and are thrown away.
    if (kind == Kind::kConcurrentKernel && library_->defects.disabling_kernels_can_hang) continue;
    Check("cuptiActivityDisable", library_->api.disable(kind));
  }
}

void CuptiSession::Detach() {
  if (subscriber_ != nullptr) Check("cuptiUnsubscribe", library_->api.unsubscribe(subscriber_));
  subscriber_ = nullptr;
}

void CuptiSession::Flush(uint32_t flag) { Check("cuptiActivityFlushAll", library_->api.flush_all(flag)); }

void CuptiSession::Tick() {
  if (!is_on_) return;
  Flush(cupti::kFlushComplete);
  CountDropped(nullptr, 0);
  SampleClock();
  Drain();
  pool_.Prepare(kReadyBuffers / 2);
}

void CuptiSession::Synchronize() {
  if (!is_on_) return;
  const int64_t from_ns = HostNs();
  SynchronizeContexts(driver_.device_count, contexts_);
  std::lock_guard lock(store_mutex_);
  store_->own_sync_from_ns = from_ns;
  store_->own_sync_to_ns = HostNs();
}

void CuptiSession::Stop(bool is_last, bool is_synchronized) {
  if (!is_on_) return;
  Flush(cupti::kFlushComplete);
  if (is_last) DisableAll();
  // A forced flush cuts off what is running, which another session may still want whole.
  if (is_last || is_synchronized) Flush(cupti::kFlushForced);
  CountDropped(nullptr, 0);
  SampleClock();
  Drain();
  if (!is_last) return;
  Detach();
  pool_.Trim(kReadyBuffers);
  is_on_ = false;
  std::lock_guard lock(store_mutex_);
  raw_.reset();
}

}  // namespace opscope::gpu
