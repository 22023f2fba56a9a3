#include "request_trace_window.h"

#include <algorithm>
#include <cmath>

namespace opscope {
namespace {

constexpr int64_t kExact = int64_t{1} << 53;
// More than this of one trace is no longer kept: the window could not give it back.
constexpr size_t kMostTraceBytes = 16u << 20;

}  // namespace

RequestTraceWindow::Index RequestTraceWindow::Find(int64_t id) {
  if (last_ != kNone && last_id_ == id) return last_;
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return kNone;
  last_id_ = id;
  return last_ = found->second;
}

// The trace of this id, as the newest; kNone where it was closed before.
RequestTraceWindow::Index RequestTraceWindow::Touch(int64_t id, bool* is_first) {
  const Index at = Find(id);
  if (at == kNone) {
    if (closed_.Has(id)) {
      ++counts.late;
      return kNone;
    }
    MakeRoom();
    *is_first = true;
    return Make(id, kTraceHasId);
  }
  *is_first = open_[at].flags & kTraceAbsent;
  open_[at].flags &= ~uint32_t{kTraceAbsent};
  uint32_t depth;
  const Index root = RootOf(at, &depth);
  if (root != newest_) {
    Unlink(root);
    PutNewest(root);
  }
  return at;
}

RequestTraceWindow::Index RequestTraceWindow::Make(int64_t id, uint32_t flags) {
  Index at;
  if (free_.empty()) {
    at = static_cast<Index>(open_.size());
    open_.emplace_back();
  } else {
    at = free_.back();
    free_.pop_back();
  }
  Open& open = open_[at];
  open.id = id;
  open.parent_id = 0;
  open.flags = flags;
  open.model = -1;
  open.filled = 0;
  open.height = 1;
  open.parent = open.first_child = open.last_child = open.next_sibling = kNone;
  ++open_count_;
  if (flags & kTraceHasId) {
    by_id_.emplace(id, at);
    last_id_ = id;
    last_ = at;
  }
  PutNewest(at);
  return at;
}

RequestTraceWindow::Index RequestTraceWindow::RootOf(Index at, uint32_t* depth) const noexcept {
  *depth = 1;
  while (open_[at].parent != kNone) {
    at = open_[at].parent;
    ++*depth;
  }
  return at;
}

void RequestTraceWindow::Unlink(Index root) noexcept {
  const Open& open = open_[root];
  (open.newer == kNone ? newest_ : open_[open.newer].older) = open.older;
  (open.older == kNone ? oldest_ : open_[open.older].newer) = open.newer;
}

void RequestTraceWindow::PutNewest(Index root) noexcept {
  open_[root].newer = kNone;
  open_[root].older = newest_;
  (newest_ == kNone ? oldest_ : open_[newest_].newer) = root;
  newest_ = root;
}

// Puts a root with what is below it under its parent.
void RequestTraceWindow::Join(Index child, int64_t parent_id) {
  const int64_t child_id = open_[child].id;
  if (child_id == parent_id) return;
  Index parent = Find(parent_id);
  if (parent == kNone) {
    if (closed_.Has(parent_id)) {
      ++counts.split;
      return;
    }
    parent = Make(parent_id, kTraceHasId | kTraceAbsent);
  }
  uint32_t depth;
  const Index root = RootOf(parent, &depth);
  if (root == child) {
    ++counts.damaged;  // its own ancestor
    return;
  }
  if (depth + open_[child].height > kMostDepth) {
    ++counts.split;
    return;
  }
  Unlink(child);
  Open& below = open_[child];
  Open& above = open_[parent];
  below.parent = parent;
  (above.last_child == kNone ? above.first_child : open_[above.last_child].next_sibling) = child;
  above.last_child = child;
  uint32_t height = below.height + 1;
  for (Index at = parent; at != kNone && open_[at].height < height; at = open_[at].parent)
    open_[at].height = height++;
  if (root != newest_) {
    Unlink(root);
    PutNewest(root);
  }
}

void RequestTraceWindow::Add(int64_t id, const std::vector<TraceStamp>& stamps, const StampNames& names) {
  ++counts.fragments;
  bool is_first;
  const Index at = Touch(id, &is_first);
  if (at == kNone) return;
  for (const TraceStamp& stamp : stamps) AddStamp(&open_[at], stamp, names, false);
  if (bytes_ > kMostBytes) MakeRoom();
}

void RequestTraceWindow::Add(const TraceFragment& fragment, const StampNames& names) {
  ++counts.fragments;
  counts.damaged_stamps += fragment.damaged_stamps;
  bool is_first = true;
  Index at;
  if (fragment.has_id) {
    at = Touch(fragment.id, &is_first);
    if (at == kNone) return;
  } else {
    MakeRoom();
    at = Make(0, 0);
  }
  Open& open = open_[at];
  for (const TraceStamp& stamp : fragment.stamps) AddStamp(&open, stamp, names, fragment.has_parent);
  AddRest(&open, fragment);
  const bool is_child = fragment.has_parent && !(open.flags & kTraceHasParent);
  if (is_child) {
    open.flags |= uint32_t{kTraceHasParent} | (is_first ? uint32_t{kTraceFirstHasParent} : 0u);
    open.parent_id = fragment.parent_id;
    // Ids begin at 1, those of v1 at 0.
    if (fragment.parent_id > 0 || (fragment.parent_id == 0 && open.flags & kTraceV1Names))
      open.flags |= kTraceIsChild;
  }
  if (!fragment.has_id) {
    Close(at);  // each is a trace, and no other can belong to it
    return;
  }
  if (is_child && open.flags & kTraceIsChild) Join(at, fragment.parent_id);
  if (bytes_ > kMostBytes) MakeRoom();
}

void RequestTraceWindow::AddStamp(Open* open, TraceStamp stamp, const StampNames& names, bool has_parent) {
  if (stamp.name < kFirstCustomName) {
    const uint32_t slot = stamp.name % kSlotCount;
    open->slots[slot] = stamp.ns;  // of one name twice, the last one counts
    open->filled |= 1u << slot;
    open->flags |= stamp.name < kFirstV1Name ? kTraceV2Names : kTraceV1Names;
  }
  if (stamp.ns <= 0) open->flags |= kTraceBadStamps;
  if (!has_parent) open->flags |= names.FrontEnd(stamp.name);
  if (needs_.all_stamps) {
    Extras* const extras = ExtrasOf(open);
    if (extras->bytes >= kMostTraceBytes) {
      ++counts.damaged_stamps;
      return;
    }
    extras->stamps.push_back(stamp);
    KeepBytes(open, sizeof(TraceStamp));
  }
}

void RequestTraceWindow::AddRest(Open* open, const TraceFragment& fragment) {
  if (fragment.has_version) open->flags |= kTraceHasVersion;
  if (fragment.has_model) {
    // A line end parts them: no version has one.
    model_key_.assign(fragment.has_version ? fragment.version : "");
    model_key_.push_back('\n');
    model_key_.append(fragment.model);
    const uint32_t model = models_.Of(model_key_);
    if (model == BoundedNames::kMost) {
      ++counts.left_out_names;
    } else {
      open->model = static_cast<int32_t>(model);
    }
    if (fragment.has_timestamps) open->flags |= kTraceWhole;
  }
  if (needs_.request_ids && !fragment.request_id.empty()) {
    ExtrasOf(open)->request_id = fragment.request_id;
    KeepBytes(open, fragment.request_id.size());
  }
  const TraceTensor& tensor = fragment.tensor;
  if (needs_.tensors && fragment.has_tensor && tensor.activity.starts_with("TENSOR_")) {
    const size_t bytes = sizeof tensor + tensor.activity.size() + tensor.name.size() + tensor.data.size() +
                         tensor.shape.size() + tensor.dtype.size();
    Extras* const extras = ExtrasOf(open);
    if (extras->bytes + bytes > kMostTraceBytes) {
      ++counts.left_out_tensors;
      return;
    }
    extras->tensors.push_back(tensor);
    KeepBytes(open, bytes);
  }
}

RequestTraceWindow::Extras* RequestTraceWindow::ExtrasOf(Open* open) {
  if (open->extras == nullptr) open->extras = std::make_unique<Extras>();
  return open->extras.get();
}

void RequestTraceWindow::KeepBytes(Open* open, size_t bytes) {
  open->extras->bytes += bytes;
  bytes_ += bytes;
}

// For one more.
void RequestTraceWindow::MakeRoom() {
  while (oldest_ != kNone && (open_count_ >= kMostOpen || bytes_ > kMostBytes)) {
    // It is still being written, and is all there is.
    if (oldest_ == newest_) ++counts.split;
    Close(oldest_);
  }
}

void RequestTraceWindow::CloseAll() {
  while (oldest_ != kNone) Close(oldest_);
  closed_.Clear();
}

// Whether the family may be the one whose data flow is shown: that of the child
// with the lowest id, or if no trace has children, the lowest id with a tensor.
bool RequestTraceWindow::WantsTensors(Index root) {
  if (!needs_.tensors) return false;
  bool is_wanted = false;
  walk_.assign(1, {root, 0});
  for (size_t i = 0; i < walk_.size(); ++i) {
    const Open& open = open_[walk_[i].first];
    if (open.parent != kNone && open.id < first_child_id_) {
      first_child_id_ = open.id;
      is_wanted = true;
    }
    if (open.extras != nullptr && !open.extras->tensors.empty() && open.id < first_tensor_id_) {
      first_tensor_id_ = open.id;
      is_wanted = true;
    }
    for (Index child = open.first_child; child != kNone; child = open_[child].next_sibling)
      walk_.emplace_back(child, 0);
  }
  return is_wanted;
}

void RequestTraceWindow::Close(Index root) {
  const bool with_tensors = WantsTensors(root);
  Unlink(root);
  walk_.assign(1, {root, -1});
  while (!walk_.empty()) {
    const auto [at, parent_row] = walk_.back();
    walk_.pop_back();
    const auto row = static_cast<int32_t>(batch_.size());
    Open& open = open_[at];
    Emit(open, parent_row, with_tensors);
    // The last child first onto the stack, so that the first one comes off it first.
    const size_t first = walk_.size();
    for (Index child = open.first_child; child != kNone; child = open_[child].next_sibling)
      walk_.emplace_back(child, row);
    std::reverse(walk_.begin() + static_cast<std::ptrdiff_t>(first), walk_.end());
    if (open.flags & kTraceHasId) {
      by_id_.erase(open.id);
      if (last_ == at) last_ = kNone;
      // Only others told of it: its own fragments may still come, as a family of their own.
      if (!(open.flags & kTraceAbsent)) closed_.Add(open.id);
    }
    if (open.extras != nullptr) {
      bytes_ -= open.extras->bytes;
      open.extras.reset();
    }
    --open_count_;
    free_.push_back(at);
  }
}

void RequestTraceWindow::Emit(const Open& open, int32_t parent_row, bool with_tensors) {
  batch_.ids.push_back(open.id);
  batch_.parent_ids.push_back(open.parent_id);
  batch_.parent_rows.push_back(parent_row);
  batch_.models.push_back(open.model);
  batch_.flags.push_back(open.flags | open.filled << kFilledShift);
  int64_t least = std::numeric_limits<int64_t>::max(), most = 0;
  for (size_t slot = 0; slot < kSlotCount; ++slot) {
    if (!(open.filled >> slot & 1) || open.slots[slot] <= 0) continue;
    least = std::min(least, open.slots[slot]);
    most = std::max(most, open.slots[slot]);
  }
  const int64_t base = most < kExact ? 0 : least;
  batch_.bases.push_back(base);
  for (size_t slot = 0; slot < kSlotCount; ++slot) {
    const int64_t ns = open.slots[slot];
    // What is not positive makes no sense; it need not be exact, nor may the difference overflow.
    batch_.stamps.push_back(!(open.filled >> slot & 1) ? std::nan("")
                            : ns <= 0                  ? static_cast<double>(ns) - static_cast<double>(base)
                                                       : static_cast<double>(ns - base));
  }
  if (needs_.all_stamps) {
    batch_.stamp_starts.push_back(static_cast<uint32_t>(batch_.all_stamps.size()));
    if (open.extras != nullptr)
      batch_.all_stamps.insert(batch_.all_stamps.end(), open.extras->stamps.begin(),
                               open.extras->stamps.end());
  }
  if (needs_.request_ids)
    batch_.request_ids.push_back(open.extras == nullptr ? std::string() : open.extras->request_id);
  if (with_tensors && open.extras != nullptr) {
    const auto row = static_cast<uint32_t>(batch_.size() - 1);
    for (TraceTensor& tensor : open.extras->tensors) batch_.tensors.push_back({row, std::move(tensor)});
  }
}

RequestTracePiece RequestTraceWindow::Take() {
  RequestTracePiece taken = std::move(batch_);
  batch_ = {};
  return taken;
}

}  // namespace opscope
