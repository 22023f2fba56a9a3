// What an OTLP resource tells of the process that was recorded.
#pragma once

#include <string>

#include "../core/columns.h"

namespace opscope {

// Both as attributes and version stand in the JSON text of the recording, which
// may come from a file that anyone wrote: what is not right there is left out.
struct OtlpResource {
  // The attributes of the session; of service.name, process.pid, host.name and
  // process.runtime.* those that are known and are not among them.
  std::string attributes;  // {"key":…},…
  std::string version;     // of opscope when it recorded; empty: not known
};

OtlpResource ResourceOf(const Recording& recording);

}  // namespace opscope
