#include "request_trace_json.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "json_text.h"

namespace opscope {

namespace {

constexpr size_t kHeadWords = 6;
constexpr size_t kStampWords = 2;

// What a number of JavaScript's can say exactly; others come to the nearest.
int64_t IntegerOf(uint64_t word) noexcept {
  double value;
  std::memcpy(&value, &word, sizeof value);
  constexpr double kMost = 9007199254740991;  // 2^53 - 1
  if (std::isnan(value)) return 0;
  return static_cast<int64_t>(value > kMost ? kMost : value < -kMost ? -kMost : value);
}
uint32_t LowHalf(uint64_t word) noexcept { return static_cast<uint32_t>(word); }
uint32_t HighHalf(uint64_t word) noexcept { return static_cast<uint32_t>(word >> 32); }

}  // namespace

struct RequestTraceJson::Head {
  int64_t id, parent_id, model_version;
  uint32_t model_name, tensor_count, batch_id, batch_size;
  std::string_view request_id;
  const uint64_t* stamps;
  uint32_t stamp_count;
};

void RequestTraceJson::Take(RequestTraceBatch batch) {
  // Upwards only where an earlier batch was lost.
  names_.resize(batch.first_name, R"("")");
  for (const std::string& name : batch.names) AppendJsonString(name, &names_.emplace_back());
  batch_ = std::move(batch);
  left_ = batch_.trace_count;
  word_ = text_ = 0;
}

std::string_view RequestTraceJson::Name(uint32_t index) const noexcept {
  return index < names_.size() ? std::string_view(names_[index]) : R"("")";
}

std::string_view RequestTraceJson::NextText() noexcept {
  if (text_ >= batch_.text_ends.size()) return {};
  const size_t begin = text_ == 0 ? 0 : batch_.text_ends[text_ - 1];
  const size_t end = batch_.text_ends[text_++];
  return std::string_view(batch_.text).substr(begin, end - begin);
}

bool RequestTraceJson::Next(std::string* out) {
  if (left_ == 0) return false;
  const std::vector<uint64_t>& words = batch_.words;
  if (words.size() - word_ < kHeadWords) {
    left_ = 0;
    return false;
  }
  const uint64_t* p = words.data() + word_;
  Head head;
  head.id = IntegerOf(p[0]);
  head.parent_id = IntegerOf(p[1]);
  head.model_version = IntegerOf(p[2]);
  head.model_name = LowHalf(p[3]);
  head.stamp_count = HighHalf(p[3]);
  head.tensor_count = HighHalf(p[4]);
  head.batch_id = LowHalf(p[5]);
  head.batch_size = HighHalf(p[5]);
  word_ += kHeadWords;
  if ((words.size() - word_) / kStampWords < head.stamp_count) {
    left_ = 0;
    return false;
  }
  head.stamps = words.data() + word_;
  word_ += head.stamp_count * kStampWords;
  const bool has_request_id = LowHalf(p[4]) != 0;
  if (has_request_id && form_ == RequestTraceForm::kFragments) head.request_id = NextText();
  --left_;
  if (form_ == RequestTraceForm::kFragments) {
    AppendFragments(head, out);
  } else {
    AppendWhole(head, out);
  }
  return true;
}

void RequestTraceJson::AppendStamps(const Head& head, std::string* out) const {
  out->append(R"("timestamps":[)");
  for (uint32_t i = 0; i < head.stamp_count; ++i) {
    if (i != 0) out->push_back(',');
    out->append(R"({"name":)").append(Name(LowHalf(head.stamps[i * kStampWords]))).append(R"(,"ns":)");
    AppendInteger(static_cast<int64_t>(head.stamps[i * kStampWords + 1]), out);
    out->push_back('}');
  }
  out->push_back(']');
}

void RequestTraceJson::AppendModel(const Head& head, std::string* out) const {
  out->append(R"("model_name":)").append(Name(head.model_name)).append(R"(,"model_version":)");
  AppendInteger(head.model_version, out);
}

// Triton writes each stamp as a fragment of its own; its trace_summary.py merges them by id, and takes them
// as well in one array. It picks requests by their front end's stamp: that of v2.0 to v2.17, which goes over
// the file once, loses what it meets of a request before that. So the stamps of a root come first. A child is
// picked by its parent, which only the fragment of its model has: here that one comes first.
void RequestTraceJson::AppendFragments(const Head& head, std::string* out) {
  const auto begin = [&] {
    out->append(R"(,{"id":)");
    AppendInteger(head.id, out);
    out->push_back(',');
  };
  const auto stamps = [&] {
    begin();
    AppendStamps(head, out);
    out->push_back('}');
  };
  const bool is_child = head.parent_id != 0;
  if (!is_child) stamps();
  begin();
  AppendModel(head, out);
  if (!head.request_id.empty()) {
    out->append(R"(,"request_id":)");
    AppendJsonString(head.request_id, out);
  }
  if (is_child) {
    out->append(R"(,"parent_id":)");
    AppendInteger(head.parent_id, out);
  }
  // Not Triton's, whose tools skip what they do not know.
  if (head.batch_size != 0) {
    out->append(R"(,"batch_id":)");
    AppendInteger(head.batch_id, out);
    out->append(R"(,"batch_size":)");
    AppendInteger(head.batch_size, out);
  }
  out->push_back('}');
  if (is_child) stamps();
  for (uint32_t i = 0; i < head.tensor_count; ++i) {
    begin();
    AppendTensor(out);
  }
}

void RequestTraceJson::AppendTensor(std::string* out) {
  out->append(R"("activity":)");
  AppendJsonString(NextText(), out);
  const char* before = R"(,"tensor":{)";
  for (const char* key : {"name", "data", "shape", "dtype"}) {
    out->append(before).append("\"").append(key).append("\":");
    AppendJsonString(NextText(), out);
    before = ",";
  }
  out->append("}}");
}

void RequestTraceJson::AppendWhole(const Head& head, std::string* out) const {
  out->append(",{");
  AppendStamps(head, out);
  out->push_back(',');
  AppendModel(head, out);
  out->append(R"(,"id":)");
  AppendInteger(head.id, out);
  if (head.parent_id != 0) {
    out->append(R"(,"parent_id":)");
    AppendInteger(head.parent_id, out);
  }
  out->push_back('}');
}

}  // namespace opscope
