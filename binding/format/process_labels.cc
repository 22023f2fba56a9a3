#include "process_labels.h"

#include <unordered_set>

namespace opscope {

std::vector<ProcessLabel> ProcessLabels(const Recording& recording) {
  if (recording.processes.empty()) return {{recording.process_id, "node"}};
  std::vector<ProcessLabel> labels;
  std::unordered_set<int64_t> used;
  int64_t made_up = kFirstMadeUpProcessId;
  for (const ProcessEntry& process : recording.processes) {
    std::string name = process.name.empty() ? "node" : process.name;
    if (!process.host.empty()) name.append(" · ").append(process.host);
    if (process.id > 0 && process.id < kFirstMadeUpProcessId && used.insert(process.id).second) {
      labels.push_back({process.id, std::move(name)});
      continue;
    }
    if (process.id > 0) name.append(" · pid ").append(std::to_string(process.id));
    labels.push_back({made_up++, std::move(name)});
  }
  return labels;
}

}  // namespace opscope
