// The end of a session: its last records and GPU rows, and the recording that they make.
#pragma once

#include <memory>
#include <string>

#include "core/gpu_source.h"
#include "core/session.h"
#include "core/session_writer.h"

namespace opscope {

struct SessionEnd {
  MergeInput input;  // as Recorder::StopSession gave it
  std::string meta_json;
  GpuSource* gpu = nullptr;    // with the session's share, which ends here; null: it has none
  bool waits_for_gpu = false;  // else what is complete is flushed: on an exit path nothing may wait
  std::shared_ptr<SessionWriter> writer;  // null: nothing was written before
  bool is_readable = false;               // the writer's file can be the recording
};

// Any thread, once. The session is gone afterwards, also when memory runs out (std::bad_alloc).
// Its stream is complete then, and stays where it is.
std::shared_ptr<const Recording> EndSession(SessionEnd* end);

}  // namespace opscope
