// What the client has switched on: subscription, kinds, attributes, filters.
// Answers as the real library does, and notes misuse. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "abi.h"
#include "journal.h"
#include "personality.h"

namespace fakegpu {

class Session {
 public:
  explicit Session(Journal& journal) : journal_(journal) {}
  // At load, and when a test resets: the defaults of this release. Keeps what the client holds.
  void SetPersonality(const Personality& personality);
  // Another tool that is subscribed; "": none.
  void SetHolder(std::string name);

  int Subscribe(void** handle, ApiCallback callback, void* user);
  int Unsubscribe(const void* handle);
  std::string Holder() const;
  int EnableCallback(bool enable, const void* handle, int domain, uint32_t id);
  // The subscriber's callback, if it wants this one.
  std::pair<ApiCallback, void*> CallbackOf(int domain, uint32_t id) const;

  int Enable(uint32_t kind, bool has_callbacks);
  int Disable(uint32_t kind);
  bool IsEnabled(uint32_t kind) const;
  bool IsAnyEnabled() const;
  uint32_t KernelKind() const;  // 10, 3, or 0 when neither is on

  int SetAttribute(uint32_t attribute, size_t* size, const void* value);
  int GetAttribute(uint32_t attribute, size_t* size, void* value) const;
  bool UsesPerThreadBuffers() const;
  bool ClientZeroesBuffers() const;

  int SetThreadIdType(int type);
  uint32_t CurrentThreadId() const;  // as API records tell it

  int FilterApi(int domain, uint32_t id, bool enable);
  bool WantsApi(int domain, uint32_t id) const;
  bool WantsAnyApi() const;  // else records carry no correlation ids

 private:
  void ForgetFilters(uint32_t kind);  // turning an API on or off does
  std::optional<size_t> AttributeSize(uint32_t attribute) const;
  uint64_t AttributeValue(uint32_t attribute) const;

  Journal& journal_;
  mutable std::mutex mutex_;
  Personality personality_;
  std::string holder_;
  bool is_subscribed_ = false;
  uint32_t subscription_ = 0;  // the handle is &handles_[subscription_ % 2]
  char handles_[2] = {};
  ApiCallback callback_ = nullptr;
  void* user_ = nullptr;
  std::set<std::pair<int, uint32_t>> callback_ids_;
  std::array<bool, kKindLimit> enabled_{};
  std::map<uint32_t, uint64_t> attributes_;  // those that the client has set
  int thread_id_type_ = kThreadIdDefault;
  std::map<std::pair<int, uint32_t>, bool> filters_;
};

}  // namespace fakegpu
