// What a plane is to the writer of the file.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "xplane_lines.h"
#include "xplane_tables.h"

namespace opscope::xplane {

struct Line {
  int64_t id = 0;  // below 2^32: viewers cut the rest off
  std::string name;
  // Of its events: filled in when they are counted.
  int64_t base_ns = 0;
  uint64_t bytes = 0;
};

// Tells its events as often as asked, each time the same. One thread at a time.
class Plane {
 public:
  Plane(std::string name, int64_t id) : name_(std::move(name)), id_(id) {}
  Plane(const Plane&) = delete;
  Plane& operator=(const Plane&) = delete;
  virtual ~Plane() = default;

  virtual void WriteEvents(size_t line, EventWriter* out) = 0;
  // Of the plane itself, after all lines.
  virtual void WriteStats(wire::Writer*) {}
  // Forgets what events referred to.
  virtual void Clear() {
    tables.events.Clear();
    tables.stats.Clear();
  }

  const std::string& name() const noexcept { return name_; }
  int64_t id() const noexcept { return id_; }

  std::vector<Line> lines;
  Tables tables;

 private:
  const std::string name_;
  const int64_t id_;
};

}  // namespace opscope::xplane
