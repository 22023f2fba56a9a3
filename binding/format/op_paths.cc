#include "op_paths.h"

#include <unordered_map>

namespace opscope {

OpPaths::OpPaths(const Recording& recording) : recording_(recording) {
  std::unordered_map<std::string_view, uint32_t> firsts;
  segments_.reserve(recording.names.size());
  for (uint32_t i = 0; i < recording.names.size(); ++i) {
    const NameEntry& name = recording.names[i];
    std::string segment;
    bool has_slash = false;
    const auto append = [&](std::string_view text) {
      for (const char c : text) {
        if (c == '/') {
          segment += "\xE2\x88\x95";
          has_slash = true;
        } else {
          segment += c;
        }
      }
    };
    append(name.text);
    if (!name.instance.empty()) {
      segment += '%';
      append(name.instance);
      segment += '%';
    }
    segments_.push_back(std::move(segment));
    has_slash_.push_back(has_slash);
    first_equal_.push_back(firsts.try_emplace(segments_.back(), i).first->second);
  }
  is_used_.resize(segments_.size());
  paths_.push_back({0, 0, 0, ""});
}

uint32_t OpPaths::ChildOf(uint32_t parent_path, uint32_t name) {
  if (!is_used_[name]) {
    is_used_[name] = true;
    slash_count_ += has_slash_[name];
  }
  const uint32_t first = first_equal_[name];
  const uint64_t key = uint64_t{parent_path} << 32 | first;
  const auto next = static_cast<uint32_t>(paths_.size());
  const uint32_t path = children_.FindOrInsert(key, next);
  if (path != next) return path;
  const uint32_t parent_size = paths_[parent_path].size;
  const auto size = static_cast<uint32_t>(segments_[first].size());
  paths_.push_back({parent_path, first, parent_path == kRoot ? size : parent_size + 1 + size, ""});
  if (paths_[path].size <= kMaxKeptText && kept_bytes_ < kMaxKeptBytes) {
    kept_bytes_ += paths_[path].size;
    std::string text;
    Build(path, &text);
    paths_[path].text = std::move(text);
  }
  return path;
}

uint32_t OpPaths::PathOf(int32_t row) {
  climb_.clear();
  for (; row >= 0; row = recording_.spans.parent[static_cast<size_t>(row)]) {
    climb_.push_back(recording_.spans.name[static_cast<size_t>(row)]);
  }
  uint32_t path = kRoot;
  while (!climb_.empty()) {
    path = ChildOf(path, climb_.back());
    climb_.pop_back();
  }
  return path;
}

std::string_view OpPaths::TextOf(uint32_t path) {
  if (!paths_[path].text.empty()) return paths_[path].text;
  built_.clear();
  Build(path, &built_);
  return built_;
}

// From the end to the beginning, as only parents are known.
void OpPaths::Build(uint32_t path, std::string* text) const {
  text->resize(paths_[path].size);
  size_t at = text->size();
  for (;;) {
    const std::string& segment = segments_[paths_[path].name];
    at -= segment.size();
    text->replace(at, segment.size(), segment);
    path = paths_[path].parent;
    if (path == kRoot) return;
    (*text)[--at] = '/';
  }
}

}  // namespace opscope
