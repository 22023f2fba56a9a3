// Recordings of several processes -> one, on one time line.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "columns.h"
#include "status.h"

namespace opscope {

// One recording of a merge, which stays as it is.
struct MergePart {
  std::shared_ptr<const Recording> recording;
  int64_t shift_ns = 0;  // of its start, from that of the merged recording; >= 0
  // What its process is called, where it has no table of processes itself.
  std::string host, name;
};

// Who aligns the clocks and says what the whole is: see src/merge-captures.ts.
struct MergePlan {
  std::vector<MergePart> parts;  // by shift
  int64_t origin_epoch_ns = 0, origin_clock_ns = 0;
  std::string meta_json = "{}";
  std::vector<Warning> warnings;  // of all parts
};

// Pure. Rows follow each other part by part, so that parents stay on their
// thread and op totals are the sums of those of the parts. What processes number
// for themselves is numbered anew where numbers would meet: correlation ids, GPU
// contexts, and GPUs. Two GPUs are one where host and uuid are the same. Ids of
// spans and traces are kept, and so is a parent in another process as what it
// was in the part: an id beside the row. Fails with kBadRows where the
// rows are more than a recording can hold.
Status MergeRecordings(const MergePlan& plan, std::shared_ptr<const Recording>* out);

}  // namespace opscope
