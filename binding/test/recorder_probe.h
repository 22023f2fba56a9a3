// Sessions of the recorder, and what their captures hold in a form that a test can compare.
#pragma once

#include <memory>
#include <string>

#include "core/merge.h"
#include "core/recorder.h"
#include "doctest.h"

namespace opscope::test {

inline std::shared_ptr<Recording> Stop(int session) {
  MergeInput input;
  REQUIRE(Recorder::Get().StopSession(session, &input).ok());
  auto recording = MergeLogs(input);
  Recorder::Get().ReleaseSession(session);
  return recording;
}

inline uint32_t Name(const char* text, Category category = Category::kCpuOp) {
  return Recorder::Get().names().Intern(text, category, Role::kOp, {});
}

inline std::string NameOf(const Recording& r, size_t row) { return r.names[r.spans.name[row]].text; }

inline uint64_t CountOf(const Recording& r, const std::string& code) {
  for (const Warning& warning : r.warnings) {
    if (warning.code == code) return warning.count;
  }
  return 0;
}

// "outer(inner) other": the forest of one thread, readable in a failure.
inline std::string Tree(const Recording& r, int32_t parent = kNoParent) {
  std::string text;
  for (size_t row = 0; row < r.spans.size(); ++row) {
    if (r.spans.parent[row] != parent) continue;
    if (!text.empty()) text += ' ';
    text += NameOf(r, row);
    if ((r.spans.flags[row] & kUnfinished) != 0) text += '!';
    const std::string inner = Tree(r, static_cast<int32_t>(row));
    if (!inner.empty()) text += '(' + inner + ')';
  }
  return text;
}

struct Scope {
  explicit Scope(const char* name) : id(Name(name)) { Recorder::CurrentLog().Begin(id); }
  ~Scope() { Recorder::CurrentLog().End(id); }
  uint32_t id;
};

}  // namespace opscope::test
