// Traces of requests as JSON text, in the forms of Triton's trace files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace opscope {

enum class RequestTraceForm : uint8_t {
  kFragments,  // Triton 2: several objects a trace, which have its id
  kWhole,      // TRTIS 1.9: one object a trace
};

// Traces that are over, as JavaScript hands them over (src/serving/trace-batch.ts).
struct RequestTraceBatch {
  // Each trace: id, parent id (0: none) and model version as doubles; the index of the model's name, and how
  // many stamps there are, as the halves of a word; likewise whether it has a request id, and how many
  // tensors; likewise its batch, and how many requests were in that (0: none). Then, for each stamp, the
  // index of its name, and its ns.
  std::vector<uint64_t> words;
  // Of each trace: its request id, then each tensor's activity, name, data, shape and dtype.
  std::string text;
  std::vector<size_t> text_ends;
  // Names of models and stamps: those from `first_name` on are forgotten, and these take their place.
  size_t first_name = 0;
  std::vector<std::string> names;
  size_t trace_count = 0;

  size_t bytes() const noexcept { return words.size() * 8 + text.size() + text_ends.size() * 8; }
};

// One thread at a time. Throws std::bad_alloc.
class RequestTraceJson {
 public:
  explicit RequestTraceJson(RequestTraceForm form) noexcept : form_(form) {}

  // Takes over a batch; what is left of the one before is lost.
  void Take(RequestTraceBatch batch);
  // Appends the next trace of the batch, with a comma before each object; false when there is none.
  bool Next(std::string* out);
  // Traces of the batch that Next has not given.
  size_t left() const noexcept { return left_; }

 private:
  struct Head;
  void AppendStamps(const Head& head, std::string* out) const;
  void AppendModel(const Head& head, std::string* out) const;
  void AppendFragments(const Head& head, std::string* out);
  void AppendWhole(const Head& head, std::string* out) const;
  void AppendTensor(std::string* out);
  // With quotes.
  std::string_view Name(uint32_t index) const noexcept;
  std::string_view NextText() noexcept;

  const RequestTraceForm form_;
  std::vector<std::string> names_;  // with quotes
  RequestTraceBatch batch_;
  size_t left_ = 0;
  size_t word_ = 0, text_ = 0;  // where the next trace begins
};

}  // namespace opscope
