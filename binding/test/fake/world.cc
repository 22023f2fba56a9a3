#include "world.h"

#include <algorithm>
#include <cstring>

namespace fakegpu {

void World::Reset(uint32_t devices) {
  {
    const std::lock_guard lock(mutex_);
    devices_.clear();
    for (FakeContext& context : contexts_) context.is_destroyed = true;
    streams_.clear();
    for (uint32_t id = 0; id < devices; ++id) {
      DeviceFields fields;
      fields.id = id;
      fields.memory_bytes = 150'754'820'096u;
      fields.bandwidth_kb = 4'916'736'000u;
      for (uint8_t i = 0; i < 16; ++i) fields.uuid[i] = static_cast<uint8_t>(16 * (id + 1) + i);
      devices_[id] = fields;
    }
  }
  if (devices > 0) AddContext(1, 0, 7);
}

void World::Clear() {
  const std::lock_guard lock(mutex_);
  for (FakeContext& context : contexts_) context.is_destroyed = true;
  streams_.clear();
}

uint32_t World::DeviceCount() const {
  const std::lock_guard lock(mutex_);
  return static_cast<uint32_t>(devices_.size());
}
DeviceFields World::Device(uint32_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = devices_.find(id);
  return found == devices_.end() ? DeviceFields{} : found->second;
}
void World::SetDevice(const DeviceFields& fields) {
  const std::lock_guard lock(mutex_);
  devices_[fields.id] = fields;
}

void World::AddContext(uint32_t id, uint32_t device, uint16_t null_stream) {
  const std::lock_guard lock(mutex_);
  for (FakeContext& context : contexts_) {
    if (context.id == id) context.is_destroyed = true;
  }
  contexts_.push_back({id, device, null_stream, false});
}
void World::DestroyContext(uint32_t id) {
  const std::lock_guard lock(mutex_);
  for (FakeContext& context : contexts_) {
    if (context.id == id) context.is_destroyed = true;
  }
}
std::set<uint32_t> World::ResetDevice(uint32_t device) {
  const std::lock_guard lock(mutex_);
  std::set<uint32_t> ids;
  for (FakeContext& context : contexts_) {
    if (context.device != device || context.is_destroyed) continue;
    context.is_destroyed = true;
    ids.insert(context.id);
  }
  return ids;
}
void World::AddStream(const FakeStream& stream) {
  const std::lock_guard lock(mutex_);
  streams_.push_back(stream);
}

std::vector<FakeContext> World::LiveContexts() const {
  const std::lock_guard lock(mutex_);
  std::vector<FakeContext> live;
  for (const FakeContext& context : contexts_) {
    if (!context.is_destroyed) live.push_back(context);
  }
  return live;
}
std::vector<FakeStream> World::Streams() const {
  const std::lock_guard lock(mutex_);
  return streams_;
}
FakeContext* World::PrimaryContext(uint32_t device) {
  const std::lock_guard lock(mutex_);
  for (FakeContext& context : contexts_) {
    if (context.device == device && !context.is_destroyed) return &context;
  }
  return nullptr;
}
const FakeContext* World::ContextOf(const void* handle) const {
  const std::lock_guard lock(mutex_);
  for (const FakeContext& context : contexts_) {
    if (&context == handle && !context.is_destroyed) return &context;
  }
  return nullptr;
}
const void* World::HandleOf(uint32_t id) const {
  const std::lock_guard lock(mutex_);
  for (const FakeContext& context : contexts_) {
    if (context.id == id && !context.is_destroyed) return &context;
  }
  return nullptr;
}

const char* Texts::Keep(const std::string& text) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<char[]>& kept = texts_[text];
  if (kept == nullptr) {
    kept = std::make_unique<char[]>(text.size() + 1);
    std::memcpy(kept.get(), text.c_str(), text.size() + 1);
  }
  return kept.get();
}
void Texts::Free() {
  const std::lock_guard lock(mutex_);
  texts_.clear();
}

}  // namespace fakegpu
