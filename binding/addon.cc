// Registers what the addon exports. State is the process's (core/recorder.h) or
// the thread's; nothing here belongs to one environment, so any number of
// workers may load it and end in any order.
#include <napi.h>

#include "core/native_api.h"
#ifdef OPSCOPE_HAS_CUPTI
#include "gpu/gpu_source_cupti.h"
#else
#include "gpu/gpu_source_none.h"
#endif
#include "node/page_binding.h"
#include "node/recording_binding.h"
#include "node/request_trace_binding.h"
#include "node/request_trace_reader_binding.h"
#include "node/session_binding.h"
#include "node/span_binding.h"
#include "node/table_binding.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("version", OPSCOPE_VERSION);
  opscope::ExportSpans(env, exports);
#ifdef OPSCOPE_HAS_CUPTI
  opscope::ExportSessions(env, exports, &opscope::CuptiSource);
#else
  opscope::ExportSessions(env, exports, &opscope::NoGpuSource);
#endif
  opscope::ExportRecordings(env, exports);
  opscope::ExportTables(env, exports);
  opscope::ExportPage(env, exports);
  opscope::ExportRequestTraces(env, exports);
  opscope::ExportRequestTraceReader(env, exports);
  opscope::FillNativeApiSlots();
  return exports;
}

NODE_API_MODULE(opscope, Init)
