#include "session.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace fakegpu {

void Session::SetPersonality(const Personality& personality) {
  const std::lock_guard lock(mutex_);
  personality_ = personality;
}

void Session::SetHolder(std::string name) {
  const std::lock_guard lock(mutex_);
  holder_ = std::move(name);
}
std::string Session::Holder() const {
  const std::lock_guard lock(mutex_);
  return !holder_.empty() ? holder_ : is_subscribed_ ? "this process" : "";
}

int Session::Subscribe(void** handle, ApiCallback callback, void* user) {
  const std::lock_guard lock(mutex_);
  if (handle == nullptr) return kInvalidParameter;
  if (is_subscribed_ || !holder_.empty()) return kMultipleSubscribers;
  is_subscribed_ = true;
  *handle = &handles_[++subscription_ % 2];
  callback_ = callback;
  user_ = user;
  return kSuccess;
}

int Session::Unsubscribe(const void* handle) {
  const std::lock_guard lock(mutex_);
  if (!is_subscribed_ || handle != &handles_[subscription_ % 2]) return kInvalidParameter;
  is_subscribed_ = false;
  callback_ = nullptr;
  callback_ids_.clear();
  return kSuccess;
}

int Session::EnableCallback(bool enable, const void* handle, int domain, uint32_t id) {
  const std::lock_guard lock(mutex_);
  if (!is_subscribed_ || handle != &handles_[subscription_ % 2]) return kInvalidParameter;
  if (enable) {
    callback_ids_.insert({domain, id});
  } else {
    callback_ids_.erase({domain, id});
  }
  return kSuccess;
}

std::pair<ApiCallback, void*> Session::CallbackOf(int domain, uint32_t id) const {
  const std::lock_guard lock(mutex_);
  if (callback_ids_.empty() || callback_ids_.count({domain, id}) == 0) return {nullptr, nullptr};
  return {callback_, user_};
}

int Session::Enable(uint32_t kind, bool has_callbacks) {
  const std::lock_guard lock(mutex_);
  if (kind == 0 || kind >= kKindLimit || personality_.strides[kind] == 0) return kInvalidKind;
  if (!has_callbacks) {
    journal_.Violation("kind " + std::to_string(kind) + " enabled before buffer callbacks were registered");
  }
  if (!is_subscribed_) journal_.Violation("kind " + std::to_string(kind) + " enabled without a subscription");
  if ((kind == kKernel && enabled_[kConcurrentKernel]) || (kind == kConcurrentKernel && enabled_[kKernel])) {
    return kNotCompatible;
  }
  enabled_[kind] = true;
  ForgetFilters(kind);
  return kSuccess;
}

int Session::Disable(uint32_t kind) {
  const std::lock_guard lock(mutex_);
  if (kind == 0 || kind >= kKindLimit || personality_.strides[kind] == 0) return kInvalidKind;
  enabled_[kind] = false;
  ForgetFilters(kind);
  return kSuccess;
}

void Session::ForgetFilters(uint32_t kind) {
  const int domain = kind == kDriver ? kDriverDomain : kind == kRuntime ? kRuntimeDomain : 0;
  std::erase_if(filters_, [&](const auto& filter) { return filter.first.first == domain; });
}

bool Session::IsEnabled(uint32_t kind) const {
  const std::lock_guard lock(mutex_);
  return enabled_[kind];
}
bool Session::IsAnyEnabled() const {
  const std::lock_guard lock(mutex_);
  return std::find(enabled_.begin(), enabled_.end(), true) != enabled_.end();
}
uint32_t Session::KernelKind() const {
  const std::lock_guard lock(mutex_);
  return enabled_[kConcurrentKernel] ? uint32_t{kConcurrentKernel}
         : enabled_[kKernel]         ? uint32_t{kKernel}
                                     : 0;
}

std::optional<size_t> Session::AttributeSize(uint32_t attribute) const {
  switch (attribute) {
    case 0:
    case 1:
    case 2:
    case 6:
      return sizeof(size_t);
    case 10:
      return personality_.version >= 22 ? std::optional(sizeof(size_t)) : std::nullopt;
    case kZeroedBuffers:
      return 1;
    case kPinnedBuffers:
      return 1;
    case kPerThreadBuffers:
      return personality_.has_per_thread_buffers ? std::optional<size_t>(1) : std::nullopt;
    default:
      return std::nullopt;
  }
}

uint64_t Session::AttributeValue(uint32_t attribute) const {
  if (const auto set = attributes_.find(attribute); set != attributes_.end()) return set->second;
  switch (attribute) {
    case 0:
      return 3'200'000;
    case 1:
      return 8'388'608;
    case 2:
      return 250;
    case 6:
      return 3;
    case 10:
      return 16'777'216;
    case kPerThreadBuffers:
      return personality_.per_thread_by_default ? 1 : 0;
    default:
      return 0;
  }
}

int Session::SetAttribute(uint32_t attribute, size_t* size, const void* value) {
  const std::lock_guard lock(mutex_);
  const std::optional<size_t> needed = AttributeSize(attribute);
  if (size == nullptr || value == nullptr || !needed) return kInvalidParameter;
  if (*size < *needed) return kSizeNotSufficient;
  if (*size > *needed) {
    journal_.Violation("attribute " + std::to_string(attribute) + " set with " + std::to_string(*size) +
                       " bytes");
  }
  uint64_t number = 0;
  std::memcpy(&number, value, *needed);  // little endian, as every machine this runs on
  const bool is_running = std::find(enabled_.begin(), enabled_.end(), true) != enabled_.end();
  if (is_running && (attribute == kPerThreadBuffers || attribute == kZeroedBuffers)) {
    journal_.Violation("attribute " + std::to_string(attribute) + " changed while kinds are enabled");
    return kNotCompatible;
  }
  attributes_[attribute] = number;
  return kSuccess;
}

int Session::GetAttribute(uint32_t attribute, size_t* size, void* value) const {
  const std::lock_guard lock(mutex_);
  const std::optional<size_t> needed = AttributeSize(attribute);
  if (size == nullptr || value == nullptr || !needed) return kInvalidParameter;
  if (*size < *needed) return kSizeNotSufficient;
  const uint64_t number = AttributeValue(attribute);
  std::memcpy(value, &number, *needed);
  *size = *needed;
  return kSuccess;
}

bool Session::UsesPerThreadBuffers() const {
  const std::lock_guard lock(mutex_);
  return personality_.has_per_thread_buffers && AttributeValue(kPerThreadBuffers) != 0;
}
bool Session::ClientZeroesBuffers() const {
  const std::lock_guard lock(mutex_);
  return AttributeValue(kZeroedBuffers) != 0;
}

int Session::SetThreadIdType(int type) {
  const std::lock_guard lock(mutex_);
  if (type != kThreadIdDefault && type != kThreadIdSystem) return kInvalidParameter;
  thread_id_type_ = type;
  return kSuccess;
}
uint32_t Session::CurrentThreadId() const {
  const std::lock_guard lock(mutex_);
  return static_cast<uint32_t>(thread_id_type_ == kThreadIdSystem ? static_cast<uint64_t>(gettid())
                                                                  : static_cast<uint64_t>(pthread_self()));
}

int Session::FilterApi(int domain, uint32_t id, bool enable) {
  const std::lock_guard lock(mutex_);
  filters_[{domain, id}] = enable;
  return kSuccess;
}
// As CUPTI 13.0 did on an H200 in a process that used CUDA before: a call of a
// kind that is off is not recorded, whatever its filter says.
bool Session::WantsApi(int domain, uint32_t id) const {
  const std::lock_guard lock(mutex_);
  if (!enabled_[domain == kDriverDomain ? kDriver : kRuntime]) return false;
  const auto filter = filters_.find({domain, id});
  return filter == filters_.end() || filter->second;
}
bool Session::WantsAnyApi() const {
  const std::lock_guard lock(mutex_);
  return enabled_[kDriver] || enabled_[kRuntime];
}

}  // namespace fakegpu
