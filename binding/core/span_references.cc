#include "span_references.h"

#include <algorithm>

namespace opscope {

void SpanReferences::Resolve(Recording* recording) const {
  SpanColumns& spans = recording->spans;
  for (const Parent& pending : parents_) {
    const int32_t parent = RowOf(pending.span_id);
    if (parent != kNoParent) spans.parent[pending.row] = parent;
  }
  // Ids that addons hand around may be anything: a parent began first, so no cycle can come of them.
  for (const Parent& pending : context_parents_) {
    const int32_t parent = RowOf(pending.span_id);
    if (parent != kNoParent && spans.start_ns[static_cast<size_t>(parent)] <= spans.start_ns[pending.row])
      spans.parent[pending.row] = parent;
  }
  for (const auto& [row, span_id] : contexts_) {
    ContextRow context = row;
    context.span = RowOf(span_id);
    if (context.span != kNoParent) recording->contexts.Append(context);
  }
  for (const auto& [row, span_id] : marks_) {
    MarkRow mark = row;
    mark.span = RowOf(span_id);
    if (mark.span != kNoParent) recording->marks.Append(mark);
  }
  AddTraceIds(&recording->ids);
  AddTo(&recording->attributes, attributes_);
  AddTo(&recording->links, links_);
}

template <typename Row>
void SpanReferences::AddTo(Column<Row>* table, const std::vector<Pending<Row>>& pending) const {
  for (const auto& [given, span_id] : pending) {
    const int32_t span = RowOf(span_id);
    if (span == kNoParent) continue;
    Row row = given;
    row.row = static_cast<uint32_t>(span);
    table->Append(row);
  }
}

void SpanReferences::AddTraceIds(Column<IdRow>* ids) const {
  for (const TraceId& trace : trace_ids_) {
    const int32_t span = RowOf(trace.span_id);
    if (span == kNoParent) continue;
    const auto row = static_cast<uint32_t>(span);
    IdRow* found = std::lower_bound(ids->begin(), ids->end(), row,
                                    [](const IdRow& id, uint32_t value) { return id.row < value; });
    if (found == ids->end() || found->row != row) continue;
    found->trace_id_high = trace.trace_high;
    found->trace_id_low = trace.trace_low;
    found->remote_parent_id = trace.remote_parent;
  }
}

}  // namespace opscope
