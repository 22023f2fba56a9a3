#include "pprof_strings.h"

namespace opscope {

PprofStrings::PprofStrings(const Recording& recording)
    : recording_(recording), labels_(recording.names.size()), frame_of_name_(recording.names.size()) {
  IdOf("");
  for (size_t i = 0; i < labels_.size(); ++i) {
    const NameEntry& name = recording.names[i];
    if (!name.instance.empty()) labels_[i] = name.text + " [" + name.instance + "]";
  }
}

uint64_t PprofStrings::IdOf(std::string_view text) {
  const auto [found, is_new] = ids_.try_emplace(text, texts_.size());
  if (is_new) {
    texts_.push_back(text);
    is_frame_.push_back(false);
  }
  return found->second;
}

uint64_t PprofStrings::IdOfCopy(const std::string& text) {
  const auto found = ids_.find(text);
  return found != ids_.end() ? found->second : IdOf(copies_.emplace_back(text));
}

uint64_t PprofStrings::FrameOf(std::string_view text) {
  const uint64_t id = IdOf(text);
  is_frame_[id] = true;
  return id;
}

uint64_t PprofStrings::FrameOfName(uint32_t name) {
  uint64_t& frame = frame_of_name_[name];
  if (frame == 0) frame = FrameOf(labels_[name].empty() ? recording_.names[name].text : labels_[name]);
  return frame;
}

}  // namespace opscope
