// A recording, and under its spans what a sampling profiler saw of one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "columns.h"
#include "status.h"

namespace opscope {

// Frames of a sampled thread, drawn as spans by src/lay-profile.ts: by start, and
// a frame before those that it holds.
struct SampledFrames {
  std::string thread;  // name of their track
  std::vector<std::string> names;
  Column<uint32_t> name;  // index into names
  Column<int64_t> start_ns, end_ns;
  Column<int32_t> parent;  // a row of the recording, its row count + a frame before, or kNoParent
  std::vector<Warning> warnings;
};

// Pure. The rows of `recording` stay as they are; the frames follow on a thread of
// their own, with Role::kSample. Their parents are on another thread, so that they
// cover nothing of them: self times stay, and what is launched on a GPU meanwhile
// still belongs to the op. Only for a recording of one process, whose threads stay
// in order. Fails with kBadRows where the frames are not as told above, or the rows
// more than a recording can hold.
Status AddSampledFrames(const Recording& recording, const SampledFrames& frames,
                        std::shared_ptr<const Recording>* out);

}  // namespace opscope
