// The parent that a session was given in another process: told in its text of facts.
#pragma once

#include <string_view>

#include "../core/row_ids.h"

namespace opscope {

// The field "traceparent" (W3C Trace Context) of Recording::meta_json; none where it is absent or damaged.
SessionParent SessionParentOf(std::string_view meta_json);

}  // namespace opscope
