// Plain rows come from files and from callers: nothing in them is believed.
#pragma once

#include "raw_rows.h"
#include "status.h"

namespace opscope {

// kBadRows naming the first table and row that does not hold together: sizes of
// columns, indices, enumerations, and times beyond 2^60 ns (36 years) either
// way, which would overflow in sums. Reversed spans are not an error.
Status CheckRawRows(const RawRows& rows);

}  // namespace opscope
