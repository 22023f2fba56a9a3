#include "view_binding.h"

#include "core/row_ids.h"
#include "format/session_parent.h"
#include "typed_array.h"

namespace opscope {

Napi::Array WarningsValue(Napi::Env env, const std::vector<Warning>& warnings) {
  Napi::Array array = Napi::Array::New(env, warnings.size());
  for (uint32_t i = 0; i < warnings.size(); ++i) {
    Napi::Object warning = Napi::Object::New(env);
    warning.Set("code", warnings[i].code);
    warning.Set("detail", warnings[i].detail);
    warning.Set("count", static_cast<double>(warnings[i].count));
    array.Set(i, warning);
  }
  return array;
}

namespace {

Napi::Value Number(Napi::Env env, int64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

Napi::Array Processes(Napi::Env env, const Recording& recording) {
  Napi::Array processes = Napi::Array::New(env, recording.processes.size());
  for (uint32_t i = 0; i < recording.processes.size(); ++i) {
    const ProcessEntry& entry = recording.processes[i];
    Napi::Object process = Napi::Object::New(env);
    process.Set("host", entry.host);
    process.Set("name", entry.name);
    process.Set("id", Number(env, entry.id));
    process.Set("startNs", Number(env, entry.start_ns));
    process.Set("durationNs", Number(env, entry.duration_ns));
    process.Set("originEpochNs", Napi::BigInt::New(env, entry.origin_epoch_ns));
    process.Set("originClockNs", Napi::BigInt::New(env, entry.origin_clock_ns));
    process.Set("dropped", static_cast<double>(entry.dropped));
    process.Set("firstContext", entry.first_context);
    process.Set("metaJson", entry.meta_json);
    processes.Set(i, process);
  }
  return processes;
}

Napi::Object Spans(Napi::Env env, const std::shared_ptr<const Recording>& recording) {
  const SpanColumns& spans = recording->spans;
  Napi::Object object = Napi::Object::New(env);
  object.Set("startNs",
             ShareColumn(env, spans.start_ns.data(), spans.size(), 8, napi_bigint64_array, recording));
  object.Set("durationNs",
             ShareColumn(env, spans.duration_ns.data(), spans.size(), 8, napi_bigint64_array, recording));
  object.Set("name", ShareColumn(env, spans.name.data(), spans.size(), 4, napi_uint32_array, recording));
  object.Set("parent", ShareColumn(env, spans.parent.data(), spans.size(), 4, napi_int32_array, recording));
  object.Set("flags", ShareColumn(env, spans.flags.data(), spans.size(), 1, napi_uint8_array, recording));
  object.Set("gpuNs",
             ShareColumn(env, spans.gpu_ns.data(), spans.gpu_ns.size(), 8, napi_bigint64_array, recording));
  return object;
}

}  // namespace

Napi::Object ViewValue(Napi::Env env, const std::shared_ptr<const Recording>& recording) {
  Napi::Object view = Napi::Object::New(env);
  Napi::Array names = Napi::Array::New(env, recording->names.size());
  for (uint32_t i = 0; i < recording->names.size(); ++i) {
    const NameEntry& entry = recording->names[i];
    Napi::Object name = Napi::Object::New(env);
    name.Set("text", entry.text);
    name.Set("instance", entry.instance);
    name.Set("category", static_cast<uint32_t>(entry.category));
    name.Set("role", static_cast<uint32_t>(entry.role));
    names.Set(i, name);
  }
  view.Set("names", names);
  Napi::Array threads = Napi::Array::New(env, recording->threads.size());
  for (uint32_t i = 0; i < recording->threads.size(); ++i) {
    const ThreadEntry& entry = recording->threads[i];
    Napi::Object thread = Napi::Object::New(env);
    thread.Set("name", entry.name);
    thread.Set("osThreadId", Number(env, entry.os_thread_id));
    thread.Set("jsThreadId", entry.js_thread_id);
    thread.Set("firstRow", entry.first_row);
    thread.Set("rowCount", entry.row_count);
    thread.Set("process", entry.process);
    threads.Set(i, thread);
  }
  view.Set("threads", threads);
  view.Set("processes", Processes(env, *recording));
  Napi::Array pauses = Napi::Array::New(env, recording->pauses.size());
  for (uint32_t i = 0; i < recording->pauses.size(); ++i) {
    Napi::Object pause = Napi::Object::New(env);
    pause.Set("startNs", Number(env, recording->pauses[i].start_ns));
    pause.Set("endNs", Number(env, recording->pauses[i].end_ns));
    pause.Set("process", recording->pauses[i].process);
    pauses.Set(i, pause);
  }
  view.Set("pauses", pauses);
  view.Set("warnings", WarningsValue(env, recording->warnings));
  view.Set("durationNs", Number(env, recording->duration_ns));
  view.Set("originEpochNs", Napi::BigInt::New(env, recording->origin_epoch_ns));
  view.Set("originClockNs", Napi::BigInt::New(env, recording->origin_clock_ns));
  view.Set("processId", Number(env, recording->process_id));
  view.Set("dropped", static_cast<double>(recording->dropped));
  view.Set("unfinished", static_cast<double>(recording->unfinished));
  view.Set("metaJson", recording->meta_json);
  view.Set("spans", Spans(env, recording));
  return view;
}

namespace {

// --- the sparse tables, copied when asked for --------------------------------

Napi::Value Asyncs(Napi::Env env, const Recording& r) {
  Napi::Object table = Napi::Object::New(env);
  table.Set("row",
            MakeArray<Napi::Uint32Array>(env, r.asyncs.size(), [&](size_t i) { return r.asyncs[i].row; }));
  table.Set("returnNs", MakeArray<Napi::Float64Array>(env, r.asyncs.size(), [&](size_t i) {
              return static_cast<double>(r.asyncs[i].return_ns);
            }));
  return table;
}

Napi::Value Ids(Napi::Env env, const Recording& r) {
  Napi::Object table = Napi::Object::New(env);
  table.Set("row", MakeArray<Napi::Uint32Array>(env, r.ids.size(), [&](size_t i) { return r.ids[i].row; }));
  table.Set("spanId",
            MakeArray<Napi::BigUint64Array>(env, r.ids.size(), [&](size_t i) { return r.ids[i].span_id; }));
  table.Set("remoteParentId", MakeArray<Napi::BigUint64Array>(
                                  env, r.ids.size(), [&](size_t i) { return r.ids[i].remote_parent_id; }));
  table.Set("traceIdHigh", MakeArray<Napi::BigUint64Array>(env, r.ids.size(),
                                                           [&](size_t i) { return r.ids[i].trace_id_high; }));
  table.Set("traceIdLow", MakeArray<Napi::BigUint64Array>(env, r.ids.size(),
                                                          [&](size_t i) { return r.ids[i].trace_id_low; }));
  return table;
}

Napi::Value AllRowIds(Napi::Env env, const Recording& r) {
  const RowIds ids(r, SessionParentOf(r.meta_json));
  const size_t rows = r.spans.size() + r.gpu.size();
  const auto column = [env, rows](auto id_of) {
    return MakeArray<Napi::BigUint64Array>(env, rows,
                                           [&](size_t row) { return id_of(static_cast<uint32_t>(row)); });
  };
  Napi::Object table = Napi::Object::New(env);
  table.Set("spanId", column([&ids](uint32_t row) { return ids.SpanId(row); }));
  table.Set("parentId", column([&ids](uint32_t row) { return ids.ParentId(row); }));
  table.Set("traceIdHigh", column([&ids](uint32_t row) { return ids.TraceOf(row).high; }));
  table.Set("traceIdLow", column([&ids](uint32_t row) { return ids.TraceOf(row).low; }));
  return table;
}

Napi::Value AttributeValue(Napi::Env env, const Recording& r, const AttributeRow& row) {
  switch (row.type) {
    case AttributeType::kString:
      return Napi::String::New(env, r.strings[static_cast<size_t>(row.integer)]);
    case AttributeType::kDouble:
      return Napi::Number::New(env, row.number);
    case AttributeType::kInt:
      return Napi::BigInt::New(env, row.integer);
    case AttributeType::kBool:
      return Napi::Boolean::New(env, row.integer != 0);
  }
  return env.Undefined();
}

Napi::Value Attributes(Napi::Env env, const Recording& r) {
  Napi::Array table = Napi::Array::New(env, r.attributes.size());
  for (uint32_t i = 0; i < r.attributes.size(); ++i) {
    Napi::HandleScope scope(env);
    Napi::Object row = Napi::Object::New(env);
    row.Set("row", r.attributes[i].row);
    row.Set("key", r.strings[r.attributes[i].key]);
    row.Set("value", AttributeValue(env, r, r.attributes[i]));
    table.Set(i, row);
  }
  return table;
}

std::string Hex(uint64_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (size_t i = 0; i < 16; ++i) text[i] = kDigits[value >> (60 - 4 * i) & 15];
  return text;
}

Napi::Value Links(Napi::Env env, const Recording& r) {
  Napi::Array table = Napi::Array::New(env, r.links.size());
  for (uint32_t i = 0; i < r.links.size(); ++i) {
    Napi::HandleScope scope(env);
    Napi::Object row = Napi::Object::New(env);
    row.Set("row", r.links[i].row);
    row.Set("traceId", Hex(r.links[i].trace_id_high) + Hex(r.links[i].trace_id_low));
    row.Set("spanId", Hex(r.links[i].span_id));
    table.Set(i, row);
  }
  return table;
}

Napi::Value Marks(Napi::Env env, const Recording& r) {
  Napi::Object table = Napi::Object::New(env);
  table.Set("thread",
            MakeArray<Napi::Uint32Array>(env, r.marks.size(), [&](size_t i) { return r.marks[i].thread; }));
  table.Set("name",
            MakeArray<Napi::Uint32Array>(env, r.marks.size(), [&](size_t i) { return r.marks[i].name; }));
  table.Set("atNs", MakeArray<Napi::Float64Array>(env, r.marks.size(), [&](size_t i) {
              return static_cast<double>(r.marks[i].at_ns);
            }));
  table.Set("span",
            MakeArray<Napi::Int32Array>(env, r.marks.size(), [&](size_t i) { return r.marks[i].span; }));
  return table;
}

Napi::Value Counters(Napi::Env env, const Recording& r) {
  Napi::Object table = Napi::Object::New(env);
  table.Set("thread", MakeArray<Napi::Uint32Array>(env, r.counters.size(),
                                                   [&](size_t i) { return r.counters[i].thread; }));
  table.Set("name", MakeArray<Napi::Uint32Array>(env, r.counters.size(),
                                                 [&](size_t i) { return r.counters[i].name; }));
  table.Set("atNs", MakeArray<Napi::Float64Array>(env, r.counters.size(), [&](size_t i) {
              return static_cast<double>(r.counters[i].at_ns);
            }));
  table.Set("value", MakeArray<Napi::Float64Array>(env, r.counters.size(),
                                                   [&](size_t i) { return r.counters[i].value; }));
  return table;
}

Napi::Value Launches(Napi::Env env, const Recording& r) {
  const auto& rows = r.launches;
  Napi::Object table = Napi::Object::New(env);
  table.Set("thread",
            MakeArray<Napi::Uint32Array>(env, rows.size(), [&](size_t i) { return rows[i].thread; }));
  table.Set("name", MakeArray<Napi::Uint32Array>(env, rows.size(), [&](size_t i) { return rows[i].name; }));
  table.Set("startNs", MakeArray<Napi::Float64Array>(env, rows.size(), [&](size_t i) {
              return static_cast<double>(rows[i].start_ns);
            }));
  table.Set("endNs", MakeArray<Napi::Float64Array>(
                         env, rows.size(), [&](size_t i) { return static_cast<double>(rows[i].end_ns); }));
  table.Set("correlationId", MakeArray<Napi::BigUint64Array>(
                                 env, rows.size(), [&](size_t i) { return rows[i].correlation_id; }));
  table.Set("span", MakeArray<Napi::Int32Array>(env, rows.size(), [&](size_t i) { return rows[i].span; }));
  table.Set("flags", MakeArray<Napi::Uint8Array>(env, rows.size(), [&](size_t i) { return rows[i].flags; }));
  return table;
}

Napi::Value Gpu(Napi::Env env, const Recording& r) {
  const auto& rows = r.gpu;
  Napi::Object table = Napi::Object::New(env);
  table.Set("kind", MakeArray<Napi::Uint8Array>(
                        env, rows.size(), [&](size_t i) { return static_cast<uint8_t>(rows[i].kind); }));
  table.Set("from", MakeArray<Napi::Uint8Array>(
                        env, rows.size(), [&](size_t i) { return static_cast<uint8_t>(rows[i].from); }));
  table.Set("to", MakeArray<Napi::Uint8Array>(env, rows.size(),
                                              [&](size_t i) { return static_cast<uint8_t>(rows[i].to); }));
  table.Set("name", MakeArray<Napi::Uint32Array>(env, rows.size(), [&](size_t i) { return rows[i].name; }));
  table.Set("device",
            MakeArray<Napi::Uint32Array>(env, rows.size(), [&](size_t i) { return rows[i].device; }));
  table.Set("context",
            MakeArray<Napi::Uint32Array>(env, rows.size(), [&](size_t i) { return rows[i].context; }));
  table.Set("stream",
            MakeArray<Napi::Uint32Array>(env, rows.size(), [&](size_t i) { return rows[i].stream; }));
  table.Set("startNs", MakeArray<Napi::Float64Array>(env, rows.size(), [&](size_t i) {
              return static_cast<double>(rows[i].start_ns);
            }));
  table.Set("endNs", MakeArray<Napi::Float64Array>(
                         env, rows.size(), [&](size_t i) { return static_cast<double>(rows[i].end_ns); }));
  table.Set("correlationId", MakeArray<Napi::BigUint64Array>(
                                 env, rows.size(), [&](size_t i) { return rows[i].correlation_id; }));
  table.Set("bytes", MakeArray<Napi::Float64Array>(
                         env, rows.size(), [&](size_t i) { return static_cast<double>(rows[i].bytes); }));
  table.Set("launch",
            MakeArray<Napi::Int32Array>(env, rows.size(), [&](size_t i) { return rows[i].launch; }));
  table.Set("span", MakeArray<Napi::Int32Array>(env, rows.size(), [&](size_t i) { return rows[i].span; }));
  return table;
}

Napi::Value Strings(Napi::Env env, const Recording& r) {
  Napi::Array table = Napi::Array::New(env, r.strings.size());
  for (uint32_t i = 0; i < r.strings.size(); ++i) {
    Napi::HandleScope scope(env);
    table.Set(i, r.strings[i]);
  }
  return table;
}

}  // namespace

Napi::Value ViewTableValue(Napi::Env env, const Recording& recording, const std::string& table) {
  struct Named {
    const char* name;
    Napi::Value (*make)(Napi::Env, const Recording&);
  };
  constexpr Named kTables[] = {{"asyncs", &Asyncs},         {"ids", &Ids},           {"rowIds", &AllRowIds},
                               {"attributes", &Attributes}, {"links", &Links},       {"marks", &Marks},
                               {"counters", &Counters},     {"launches", &Launches}, {"gpu", &Gpu},
                               {"strings", &Strings}};
  for (const Named& known : kTables) {
    if (table == known.name) return known.make(env, recording);
  }
  return env.Undefined();
}

}  // namespace opscope
