#include "otlp_writer.h"

#include <algorithm>
#include <initializer_list>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "../core/row_ids.h"
#include "gpu_labels.h"
#include "json_text.h"
#include "otlp_resource.h"
#include "otlp_span.h"
#include "otlp_values.h"
#include "session_parent.h"
#include "span_rows.h"

namespace opscope {
namespace {

// An attribute that opscope makes; `key` gives way to one of the span's own.
struct Made {
  std::string_view key;
  std::string json;
};
Made MadeText(std::string_view key, std::string_view text) {
  Made made{key, {}};
  AppendOtlpText(key, text, &made.json);
  return made;
}
std::string Join(const std::vector<Made>& all) {
  std::string text;
  for (const Made& made : all) {
    if (!text.empty()) text += ',';
    text += made.json;
  }
  return text;
}

// What spans of one name, or of one thread, have in common.
struct Common {
  std::string name_json;
  std::vector<Made> attributes;
  std::string joined;
};

class TraceWriter {
 public:
  TraceWriter(const Recording& recording, ByteSink* sink)
      : recording_(recording),
        sink_(*sink),
        ids_(recording, SessionParentOf(recording.meta_json)),
        span_(recording, sink) {
    AppendOtlpBool("opscope.unfinished", true, &unfinished_[0].json);
    for (const NameEntry& name : recording.names) names_.push_back(CommonOf(name));
    for (uint32_t t = 0; t < recording.threads.size(); ++t) threads_.push_back(CommonOf(t));
    for (uint32_t i = 0; i < recording.marks.size(); ++i) {
      if (recording.marks[i].span != kNoParent) marks_.push_back(i);
    }
    std::stable_sort(marks_.begin(), marks_.end(), [&recording](uint32_t a, uint32_t b) {
      return recording.marks[a].span < recording.marks[b].span;
    });
  }

  void Run() {
    const OtlpResource resource = ResourceOf(recording_);
    std::string head = R"({"resourceSpans":[{"resource":{"attributes":[)" + resource.attributes +
                       R"(]},"scopeSpans":[{"scope":{"name":"opscope")";
    if (!resource.version.empty()) {
      head += R"(,"version":)";
      AppendJsonString(resource.version, &head);
    }
    sink_.Append(head);
    sink_.Append(R"(},"spans":[)");
    for (uint32_t t = 0; t < threads_.size(); ++t) WriteThread(t);
    for (uint32_t i = 0; i < recording_.gpu.size() && !sink_.failed(); ++i) WriteGpu(i);
    sink_.Append("\n]}]}]}\n");
  }

  uint64_t marks_left_out() const noexcept { return recording_.marks.size() - marks_.size(); }

 private:
  static Common CommonOf(const NameEntry& name) {
    Common common;
    AppendJsonString(name.text, &common.name_json);
    common.attributes.push_back(MadeText("opscope.category", CategoryName(name.category)));
    if (name.role != Role::kOp) common.attributes.push_back(MadeText("opscope.role", RoleName(name.role)));
    if (!name.instance.empty()) common.attributes.push_back(MadeText("opscope.instance", name.instance));
    common.joined = Join(common.attributes);
    return common;
  }
  Common CommonOf(uint32_t thread) const {
    Common common;
    if (const int64_t id = recording_.threads[thread].os_thread_id; id != 0) {
      common.attributes.push_back({"thread.id", {}});
      AppendOtlpInteger("thread.id", id, &common.attributes.back().json);
    }
    common.attributes.push_back(MadeText("thread.name", ThreadLabel(recording_, thread)));
    common.joined = Join(common.attributes);
    return common;
  }

  void WriteThread(uint32_t thread) {
    const ThreadEntry& entry = recording_.threads[thread];
    const SpanColumns& spans = recording_.spans;
    RowCursor<AttributeRow> attributes(recording_.attributes, entry.first_row);
    RowCursor<LinkRow> links(recording_.links, entry.first_row);
    auto mark =
        std::lower_bound(marks_.begin(), marks_.end(), static_cast<int32_t>(entry.first_row),
                         [this](uint32_t at, int32_t row) { return recording_.marks[at].span < row; });
    for (uint32_t row = entry.first_row; row < entry.first_row + entry.row_count; ++row) {
      if (sink_.failed()) return;
      const Common& name = names_[spans.name[row]];
      StartRow(row, name.name_json, spans.start_ns[row], spans.start_ns[row] + spans.duration_ns[row]);
      own_.clear();
      while (const AttributeRow* attribute = attributes.Take(row)) own_.push_back(attribute);
      const bool is_unfinished = (spans.flags[row] & kUnfinished) != 0;
      if (own_.empty()) {
        span_.AddMade(name.joined);
        span_.AddMade(threads_[thread].joined);
        if (is_unfinished) span_.AddMade(unfinished_[0].json);
      } else {
        AddOwn({&name.attributes, &threads_[thread].attributes, is_unfinished ? &unfinished_ : &none_});
      }
      span_.EndAttributes();
      for (; mark != marks_.end() && recording_.marks[*mark].span == static_cast<int32_t>(row); ++mark) {
        const MarkRow& event = recording_.marks[*mark];
        span_.AddEvent(event.at_ns, names_[event.name].name_json, names_[event.name].joined);
      }
      AddParentLink(row);
      while (const LinkRow* link = links.Take(row))
        span_.AddLink({link->trace_id_high, link->trace_id_low}, link->span_id);
      span_.End((spans.flags[row] & kError) != 0);
    }
  }

  void StartRow(uint32_t row, std::string_view name_json, int64_t start_ns, int64_t end_ns) {
    trace_ = ids_.TraceOf(row);
    if (trace_.is_none()) trace_ = ids_.MadeTrace(row);
    const int32_t parent = ids_.ParentRow(row);
    parent_trace_ = parent == kNoParent ? trace_ : ids_.TraceOf(static_cast<uint32_t>(parent));
    const uint64_t parent_id = parent_trace_ == trace_ ? ids_.ParentId(row) : 0;
    span_.Start(trace_, ids_.SpanId(row), parent_id, name_json, start_ns, end_ns);
  }
  void AddParentLink(uint32_t row) {
    if (parent_trace_ != trace_) span_.AddLink(parent_trace_, ids_.ParentId(row));
  }

  // The span's own attributes, of a key that was set twice the last, then what is
  // made and has another key: keys must be unique.
  void AddOwn(std::initializer_list<const std::vector<Made>*> all_made) {
    const auto key_of = [this](const AttributeRow* row) -> std::string_view {
      return recording_.strings[row->key];
    };
    const auto before = [&key_of](const AttributeRow* a, const AttributeRow* b) {
      return key_of(a) < key_of(b);
    };
    std::stable_sort(own_.begin(), own_.end(), before);
    for (size_t i = 0; i < own_.size(); ++i) {
      if (i + 1 == own_.size() || key_of(own_[i]) != key_of(own_[i + 1]))
        AddAttribute(key_of(own_[i]), *own_[i]);
    }
    for (const std::vector<Made>* some : all_made) {
      for (const Made& made : *some) {
        const auto found = std::lower_bound(
            own_.begin(), own_.end(), made.key,
            [&key_of](const AttributeRow* row, std::string_view key) { return key_of(row) < key; });
        if (found == own_.end() || key_of(*found) != made.key) span_.AddMade(made.json);
      }
    }
  }
  void AddAttribute(std::string_view key, const AttributeRow& row) {
    switch (row.type) {
      case AttributeType::kString:
        return AppendOtlpText(key, recording_.strings[static_cast<size_t>(row.integer)], span_.attributes());
      case AttributeType::kDouble:
        return AppendOtlpNumber(key, row.number, span_.attributes());
      case AttributeType::kInt:
        return AppendOtlpInteger(key, row.integer, span_.attributes());
      case AttributeType::kBool:
        return AppendOtlpBool(key, row.integer != 0, span_.attributes());
    }
  }

  void WriteGpu(uint32_t index) {
    const GpuRow& row = recording_.gpu[index];
    name_json_.clear();
    const std::string& name = recording_.strings[row.name];
    AppendJsonString(name.empty() ? GpuKindName(row.kind) : std::string_view(name), &name_json_);
    const auto id = static_cast<uint32_t>(recording_.spans.size() + index);
    StartRow(id, name_json_, row.start_ns, row.end_ns);
    std::string* out = span_.attributes();
    AppendOtlpText("opscope.category", CategoryName(CategoryOf(row.kind)), out);
    AppendOtlpText("opscope.kind", GpuKindName(row.kind), out);
    AppendOtlpInteger("opscope.device_index", row.device, out);
    AppendOtlpInteger("opscope.context", row.context, out);
    AppendOtlpInteger("opscope.stream", row.stream, out);
    if (row.correlation_id != 0)
      AppendOtlpInteger("opscope.correlation_id", static_cast<int64_t>(row.correlation_id), out);
    if (row.kind == GpuKind::kCopy || row.kind == GpuKind::kFill)
      AppendOtlpInteger("opscope.bytes", static_cast<int64_t>(row.bytes), out);
    if (row.kind == GpuKind::kCopy) {
      AppendOtlpText("opscope.from", MemoryKindName(row.from), out);
      AppendOtlpText("opscope.to", MemoryKindName(row.to), out);
    }
    if (row.launch >= 0)
      span_.AddMade(threads_[recording_.launches[static_cast<size_t>(row.launch)].thread].joined);
    span_.EndAttributes();
    span_.End(false);
  }

  const Recording& recording_;
  ByteSink& sink_;
  const RowIds ids_;
  OtlpSpan span_;
  std::vector<Common> names_, threads_;
  std::vector<Made> unfinished_{{"opscope.unfinished", {}}};
  const std::vector<Made> none_;
  std::vector<uint32_t> marks_;  // those that lie in a span, by its row
  // Of the row being written.
  TraceId trace_, parent_trace_;
  std::vector<const AttributeRow*> own_;
  std::string name_json_;
};

}  // namespace

Status WriteOtlp(const Recording& recording, ByteSink* sink, std::vector<Warning>* warnings) try {
  TraceWriter writer(recording, sink);
  writer.Run();
  if (!recording.counters.empty() && warnings != nullptr) {
    warnings->push_back(
        {"counters-left-out", "Values of counters: this format has spans only.", recording.counters.size()});
  }
  if (writer.marks_left_out() != 0 && warnings != nullptr) {
    warnings->push_back({"marks-left-out",
                         "Marks that lie in no span: this format has them as events of spans.",
                         writer.marks_left_out()});
  }
  return sink->Finish();
} catch (const std::bad_alloc&) {
  return Status::Error(Code::kOutOfMemory, "not enough memory to write the recording");
}

}  // namespace opscope
