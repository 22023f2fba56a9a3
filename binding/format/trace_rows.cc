#include "trace_rows.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <unordered_map>
#include <unordered_set>

#include "../core/processes.h"
#include "../core/row_order.h"
#include "gpu_labels.h"
#include "json_text.h"
#include "session_parent.h"

namespace opscope {
namespace {

constexpr std::string_view kNumberKeys[] = {
    "device_index",      "stream",         "context",        "execution_index",
    "instruction_index", "operator_index", "correlation_id", "bytes"};
static_assert(std::size(kNumberKeys) == static_cast<size_t>(NumberKey::kNone));

NumberKey KeyOf(std::string_view text) noexcept {
  const auto* found = std::find(std::begin(kNumberKeys), std::end(kNumberKeys), text);
  return static_cast<NumberKey>(found - std::begin(kNumberKeys));
}
bool FitsColumn(NumberKey key, int64_t value) noexcept {
  const bool is_wide =
      key == NumberKey::kExecutionIndex || key == NumberKey::kCorrelationId || key == NumberKey::kBytes;
  return is_wide || value == static_cast<int32_t>(value);
}

// As an object of JavaScript orders its keys: array indices ascending, then the others as they were set.
bool IsArrayIndex(std::string_view key, uint32_t* index) noexcept {
  if (key.empty() || key.size() > 10 || (key[0] == '0' && key.size() > 1)) return false;
  uint64_t value = 0;
  for (const char digit : key) {
    if (digit < '0' || digit > '9') return false;
    value = value * 10 + static_cast<uint64_t>(digit - '0');
  }
  *index = static_cast<uint32_t>(value);
  return value < UINT32_MAX;
}

constexpr int64_t kMaxSafe = (int64_t{1} << 53) - 1;

}  // namespace

TraceRows::TraceRows(const Recording& recording)
    : recording_(recording),
      span_count_(static_cast<uint32_t>(recording.spans.size())),
      size_(recording.spans.size() + recording.gpu.size()),
      ids_(recording, SessionParentOf(recording.meta_json)) {
  for (const ThreadEntry& thread : recording.threads) {
    if (thread.row_count != 0) threads_.push_back(&thread);
  }
  std::sort(threads_.begin(), threads_.end(),
            [](const ThreadEntry* a, const ThreadEntry* b) { return a->first_row < b->first_row; });
  ReadNames();
  ReadAttributes();
  inference_ = Nearest([this](uint32_t row) { return CategoryOf(row) == Category::kInference; });
  ReadTraces();
  Sort();
}

void TraceRows::ReadNames() {
  std::unordered_map<std::string_view, int32_t> codes;
  const auto code_of = [&](std::string_view text) {
    const auto [at, is_new] = codes.try_emplace(text, static_cast<int32_t>(names_.size()));
    if (is_new) names_.push_back(text);
    return at->second;
  };
  name_codes_.assign(recording_.names.size(), -1);
  string_codes_.assign(recording_.strings.size(), -1);
  for (const uint32_t name : recording_.spans.name) {
    if (name_codes_[name] < 0) name_codes_[name] = code_of(recording_.names[name].text);
  }
  for (const GpuRow& row : recording_.gpu) {
    if (string_codes_[row.name] < 0) string_codes_[row.name] = code_of(recording_.strings[row.name]);
  }
}

void TraceRows::ReadAttributes() {
  if (recording_.attributes.empty()) return;
  keys_.reserve(recording_.strings.size());
  for (const std::string& text : recording_.strings) keys_.push_back(KeyOf(text));
  attributes_.Reset(size_t{span_count_} + 1);
  size_t at = 0;
  for (uint32_t row = 0; row <= span_count_; ++row) {
    while (at < recording_.attributes.size() && recording_.attributes[at].row < row) ++at;
    attributes_[row] = static_cast<uint32_t>(at);
  }
}

template <typename IsOne>
Column<int32_t> TraceRows::Nearest(IsOne is_one) const {
  constexpr int32_t kUnknown = -2;
  Column<int32_t> found(size_);
  found.Fill(kUnknown);
  std::vector<uint32_t> path;
  for (uint32_t row = 0; row < size_; ++row) {
    // Upwards to a row that is known, since parents on other threads may come later; not recursive, trees are
    // deep.
    auto top = static_cast<int32_t>(row);
    while (top >= 0 && found[static_cast<size_t>(top)] == kUnknown) {
      const auto above = static_cast<uint32_t>(top);
      if (is_one(above)) {
        found[above] = top;
      } else {
        path.push_back(above);
        top = Parent(above);
      }
    }
    const int32_t answer = top < 0 ? -1 : found[static_cast<size_t>(top)];
    for (const uint32_t below : path) found[below] = answer;
    path.clear();
  }
  return found;
}

void TraceRows::ReadTraces() {
  struct Hash {
    size_t operator()(const std::pair<uint64_t, uint64_t>& id) const noexcept {
      return static_cast<size_t>((id.first ^ id.second * 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u >> 8);
    }
  };
  std::unordered_map<std::pair<uint64_t, uint64_t>, int32_t, Hash> codes;
  const bool has_ids = !recording_.ids.empty() || ids_.has_session_parent();
  const auto trace_of = [&](uint32_t row) {
    const TraceId id = ids_.TraceOf(row);
    const auto next = static_cast<int32_t>(traces_.size());
    // Made ones are another for each root: nothing to look up, and without ids most rows may be roots.
    const int32_t code = has_ids ? codes.try_emplace({id.high, id.low}, next).first->second : next;
    if (code == next) traces_.emplace_back(id.high, id.low);
    return code;
  };
  trace_codes_ =
      Nearest([this](uint32_t row) { return Parent(row) < 0 || (IsSpan(row) && ids_.HasTrace(row)); });
  Column<int32_t> code_of(size_);  // by row that has a trace of its own
  for (uint32_t row = 0; row < size_; ++row) {
    if (trace_codes_[row] == static_cast<int32_t>(row)) code_of[row] = IsSpan(row) ? trace_of(row) : -1;
  }
  for (int32_t& code : trace_codes_) code = code_of[static_cast<size_t>(code)];
}

void TraceRows::Sort() {
  Column<int64_t> starts(size_);
  for (uint32_t row = 0; row < size_; ++row) starts[row] = StartNs(row);
  order_.Reset(size_);
  OrderByKey(starts.data(), size_, order_.data());
  const auto end_of = [this](uint32_t row) { return IsFinished(row) ? EndNs(row) : INT64_MAX; };
  const auto is_before = [&](uint32_t a, uint32_t b) {
    const int64_t a_end = end_of(a), b_end = end_of(b);
    return a_end != b_end ? a_end > b_end : SpanId(a) < SpanId(b);
  };
  for (size_t first = 0, last; first < size_; first = last) {
    last = first + 1;
    while (last < size_ && starts[order_[last]] == starts[order_[first]]) ++last;
    if (last - first > 1) std::stable_sort(order_.begin() + first, order_.begin() + last, is_before);
  }
}

int64_t TraceRows::PausedNs(uint32_t row) const noexcept {
  int64_t ns = 0;
  const int64_t start = StartNs(row), end = EndNs(row);
  for (const PauseRow& pause : recording_.pauses)
    ns += std::max<int64_t>(0, std::min(end, pause.end_ns) - std::max(start, pause.start_ns));
  return ns;
}

Category TraceRows::CategoryOf(uint32_t row) const noexcept {
  if (IsSpan(row)) return recording_.names[recording_.spans.name[row]].category;
  return opscope::CategoryOf(GpuOf(row).kind);
}

const ThreadEntry* TraceRows::ThreadOf(uint32_t row) const noexcept {
  if (!IsSpan(row)) {
    const int32_t launch = GpuOf(row).launch;
    return launch < 0 ? nullptr
                      : &recording_.threads[recording_.launches[static_cast<size_t>(launch)].thread];
  }
  const auto after =
      std::upper_bound(threads_.begin(), threads_.end(), row,
                       [](uint32_t wanted, const ThreadEntry* thread) { return wanted < thread->first_row; });
  return after == threads_.begin() ? nullptr : *(after - 1);
}

uint32_t TraceRows::ProcessOf(uint32_t row) const noexcept {
  if (recording_.processes.empty()) return 0;
  if (const ThreadEntry* thread = ThreadOf(row)) return thread->process;
  return ProcessOfContext(recording_.processes, GpuOf(row).context);
}

bool TraceRows::ParentId(uint32_t row, uint64_t* id) const noexcept {
  if (!IsSpan(row) && Parent(row) < 0) return false;
  *id = ids_.ParentId(row);
  return true;
}

bool TraceRows::ShownNumber(const AttributeRow& attribute, int64_t* value) const noexcept {
  if (attribute.type == AttributeType::kInt) {
    *value = attribute.integer;
  } else if (attribute.type == AttributeType::kDouble && std::abs(attribute.number) <= kMaxSafe &&
             std::trunc(attribute.number) == attribute.number) {
    *value = static_cast<int64_t>(attribute.number);
  } else {
    return false;
  }
  return FitsColumn(keys_[attribute.key], *value);
}

bool TraceRows::Number(uint32_t row, NumberKey key, int64_t* value) const noexcept {
  if (IsSpan(row)) {
    if (attributes_.empty()) return false;
    // The last that was set counts.
    for (uint32_t at = attributes_[row + 1]; at > attributes_[row]; --at) {
      const AttributeRow& attribute = recording_.attributes[at - 1];
      if (keys_[attribute.key] == key) return ShownNumber(attribute, value);
    }
    return false;
  }
  const GpuRow& gpu = GpuOf(row);
  switch (key) {
    case NumberKey::kDeviceIndex:
      *value = gpu.device;
      return FitsColumn(key, *value);
    case NumberKey::kStream:
      *value = gpu.stream;
      return FitsColumn(key, *value);
    case NumberKey::kContext:
      *value = gpu.context;
      return FitsColumn(key, *value);
    case NumberKey::kCorrelationId:
      *value = static_cast<int64_t>(gpu.correlation_id);
      return gpu.correlation_id != 0;
    case NumberKey::kBytes:
      *value = static_cast<int64_t>(gpu.bytes);
      return CategoryOf(row) == Category::kMemcpy;
    case NumberKey::kExecutionIndex:
    case NumberKey::kInstructionIndex:
    case NumberKey::kOperatorIndex:
    case NumberKey::kNone:
      break;
  }
  return false;
}

bool TraceRows::AppendOtherAttributes(uint32_t row, std::string* out) const {
  if (!IsSpan(row) || attributes_.empty() || attributes_[row] == attributes_[row + 1]) return false;
  struct Shown {
    std::string_view key;
    const AttributeRow* value;
    uint32_t index;  // the key as an array index, else UINT32_MAX
  };
  std::vector<Shown> shown;
  for (uint32_t at = attributes_[row]; at < attributes_[row + 1]; ++at) {
    const AttributeRow& attribute = recording_.attributes[at];
    const std::string_view key = recording_.strings[attribute.key];
    const auto known =
        std::find_if(shown.begin(), shown.end(), [key](const Shown& each) { return each.key == key; });
    uint32_t index = UINT32_MAX;
    if (!IsArrayIndex(key, &index)) index = UINT32_MAX;
    if (known == shown.end()) {
      shown.push_back({key, &attribute, index});
    } else {
      known->value = &attribute;  // set again: keeps its place
    }
  }
  int64_t number;
  const auto has_column = [&](const Shown& each) {
    return keys_[each.value->key] != NumberKey::kNone && ShownNumber(*each.value, &number);
  };
  shown.erase(std::remove_if(shown.begin(), shown.end(), has_column), shown.end());
  if (shown.empty()) return false;
  std::stable_sort(shown.begin(), shown.end(),
                   [](const Shown& a, const Shown& b) { return a.index < b.index; });
  char separator = '{';
  for (const auto& [key, value, index] : shown) {
    out->push_back(separator);
    separator = ',';
    AppendJsonString(key, out);
    out->push_back(':');
    switch (value->type) {
      case AttributeType::kString:
        AppendJsonString(recording_.strings[static_cast<size_t>(value->integer)], out);
        break;
      case AttributeType::kBool:
        out->append(value->integer != 0 ? "true" : "false");
        break;
      case AttributeType::kDouble:
        AppendScriptNumber(value->number, out);
        break;
      case AttributeType::kInt: {
        // What a number of JavaScript holds; beyond it, text.
        const bool is_safe = value->integer >= -kMaxSafe - 1 && value->integer <= kMaxSafe;
        if (!is_safe) out->push_back('"');
        AppendInteger(value->integer, out);
        if (!is_safe) out->push_back('"');
      }
    }
  }
  out->push_back('}');
  return true;
}

}  // namespace opscope
