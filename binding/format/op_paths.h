// Op paths as text, each built once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../core/columns.h"
#include "../core/id_map.h"

namespace opscope {

// Paths of the rows of a recording: the names of a row and its ancestors. Not
// thread-safe.
class OpPaths {
 public:
  static constexpr uint32_t kRoot = 0;

  explicit OpPaths(const Recording& recording);

  // Climbs to the root; callers that know the path of the parent use ChildOf.
  uint32_t PathOf(int32_t row);
  uint32_t ChildOf(uint32_t parent_path, uint32_t name);
  // "parent/child"; good until the next call.
  std::string_view TextOf(uint32_t path);

  // Names in use so far that hold a '/', which the text has as U+2215.
  uint64_t slash_count() const noexcept { return slash_count_; }

 private:
  struct Path {
    uint32_t parent;
    uint32_t name;
    uint32_t size;     // of the text
    std::string text;  // empty: put together when asked for
  };

  // Deep recursion makes as many long paths, and ids in names as many paths;
  // what does not fit is put together each time.
  static constexpr size_t kMaxKeptText = 1024, kMaxKeptBytes = 16u << 20;

  void Build(uint32_t path, std::string* text) const;

  const Recording& recording_;
  std::vector<std::string> segments_;  // by name
  std::vector<uint32_t> first_equal_;  // by name: the first with the same segment
  std::vector<bool> has_slash_, is_used_;
  std::vector<Path> paths_;
  IdMap children_;  // parent path and name -> path
  std::vector<uint32_t> climb_;
  std::string built_;
  size_t kept_bytes_ = 0;
  uint64_t slash_count_ = 0;
};

}  // namespace opscope
