// The hot calls take no arguments and return nothing: the name's id and span
// ids travel in the control block (core/thread_log.h), which saves 15 ns a
// pair. They use the C API of Node directly; node-addon-api's wrapper costs 10
// ns a call.
#include "span_binding.h"

#include <node_api.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string>

#include "core/clock.h"
#include "core/random.h"
#include "core/recorder.h"

namespace opscope {

namespace {

napi_value Begin(napi_env, napi_callback_info) {
  ThreadLog& log = Recorder::CurrentLog();
  log.Begin(log.control().name);
  return nullptr;
}

napi_value End(napi_env, napi_callback_info) {
  ThreadLog& log = Recorder::CurrentLog();
  log.End(log.control().name);
  return nullptr;
}

napi_value BeginCounted(napi_env env, napi_callback_info) {
  ThreadLog& log = Recorder::CurrentLog();
  napi_value result;
  napi_get_boolean(env, log.Begin(log.control().name), &result);
  return result;
}

uint64_t ParentOf(ThreadLog& log) noexcept {
  return log.FullSpanId(log.control().parent_low, log.control().parent_high);
}
uint64_t SpanOf(ThreadLog& log) noexcept {
  return log.FullSpanId(log.control().span_low, log.control().span_high);
}
void SetSpan(ThreadLog& log, uint64_t span) noexcept {
  log.control().span_low = static_cast<uint32_t>(span);
  log.control().span_high =
      static_cast<uint32_t>(span >> 32) & ((1u << (ThreadLog::kSpanNumberBits - 32)) - 1);
}

napi_value BeginChild(napi_env, napi_callback_info) {
  ThreadLog& log = Recorder::CurrentLog();
  log.BeginChild(log.control().name, ParentOf(log));
  return nullptr;
}

napi_value BeginSpan(napi_env, napi_callback_info) {
  ThreadLog& log = Recorder::CurrentLog();
  SetSpan(log, log.OpenSpan(log.control().name, ParentOf(log), true));
  return nullptr;
}

napi_value BeginBracket(napi_env, napi_callback_info) {
  ThreadLog& log = Recorder::CurrentLog();
  SetSpan(log, log.OpenSpan(log.control().name, ParentOf(log), true, true));
  return nullptr;
}

napi_value EnterContext(napi_env, napi_callback_info) {
  ThreadLog& log = Recorder::CurrentLog();
  log.Enter(SpanOf(log));
  return nullptr;
}

napi_value ExitContext(napi_env, napi_callback_info) {
  Recorder::CurrentLog().Exit();
  return nullptr;
}

napi_value EndUnseenBracket(napi_env, napi_callback_info) {
  Recorder::CurrentLog().EndUnseenBracket();
  return nullptr;
}

napi_value OpenSpan(napi_env, napi_callback_info) {
  ThreadLog& log = Recorder::CurrentLog();
  SetSpan(log, log.OpenSpan(log.control().name, ParentOf(log), false));
  return nullptr;
}

// Not inside what is open on the stack; a parent that is given, of another thread, holds.
napi_value BeginRoot(napi_env, napi_callback_info) {
  ThreadLog& log = Recorder::CurrentLog();
  SetSpan(log, log.OpenSpan(log.control().name, ParentOf(log), true, false, true));
  return nullptr;
}

napi_value OpenRoot(napi_env, napi_callback_info) {
  ThreadLog& log = Recorder::CurrentLog();
  SetSpan(log, log.OpenSpan(log.control().name, ParentOf(log), false, false, true));
  return nullptr;
}

napi_value LeaveSpan(napi_env, napi_callback_info) {
  ThreadLog& log = Recorder::CurrentLog();
  log.LeaveSpan(SpanOf(log));
  return nullptr;
}

napi_value EndSpan(napi_env, napi_callback_info) {
  ThreadLog& log = Recorder::CurrentLog();
  log.EndSpan(SpanOf(log), false);
  return nullptr;
}

napi_value FailSpan(napi_env, napi_callback_info) {
  ThreadLog& log = Recorder::CurrentLog();
  log.EndSpan(SpanOf(log), true);
  return nullptr;
}

// --- colder calls: arguments as JavaScript gives them ------------------------

int64_t Int64Of(const Napi::Value& value) {
  bool lossless = false;
  return value.As<Napi::BigInt>().Int64Value(&lossless);
}
uint64_t Uint64Of(const Napi::Value& value) {
  bool lossless = false;
  return value.As<Napi::BigInt>().Uint64Value(&lossless);
}
uint64_t SpanOf(ThreadLog& log, const Napi::Value& value) {
  const auto number = static_cast<uint64_t>(value.As<Napi::Number>().DoubleValue());
  return log.FullSpanId(static_cast<uint32_t>(number), static_cast<uint32_t>(number >> 32));
}

Napi::Value Control(const Napi::CallbackInfo& info) {
  ThreadLog& log = Recorder::CurrentLog();
  // The log is not freed before its thread, and so this environment, has ended.
  Napi::ArrayBuffer buffer =
      Napi::ArrayBuffer::New(info.Env(), static_cast<void*>(&log.control()), sizeof(ControlBlock));
  return Napi::Uint32Array::New(info.Env(), sizeof(ControlBlock) / sizeof(uint32_t), buffer, 0);
}

Napi::Value InternName(const Napi::CallbackInfo& info) {
  const std::string text = info[0].As<Napi::String>();
  const std::string instance = info[3].As<Napi::String>();
  const auto category = static_cast<Category>(info[1].As<Napi::Number>().Uint32Value() % kCategoryCount);
  const auto role = static_cast<Role>(info[2].As<Napi::Number>().Uint32Value() % 5);
  return Napi::Number::New(info.Env(), Recorder::Get().names().Intern(text, category, role, instance));
}

Napi::Value TimedSpan(const Napi::CallbackInfo& info) {
  ThreadLog& log = Recorder::CurrentLog();
  const uint64_t span =
      log.TimedSpan(info[0].As<Napi::Number>().Uint32Value(), Int64Of(info[1]), Int64Of(info[2]),
                    SpanOf(log, info[3]), info[4].As<Napi::Boolean>().Value(), info[5].ToBoolean().Value());
  return Napi::Number::New(info.Env(),
                           static_cast<double>(span & ((uint64_t{1} << ThreadLog::kSpanNumberBits) - 1)));
}

void SetAttribute(const Napi::CallbackInfo& info) {
  ThreadLog& log = Recorder::CurrentLog();
  const uint64_t span = SpanOf(log, info[0]);
  const uint32_t key =
      Recorder::Get().names().Intern(info[1].As<Napi::String>().Utf8Value(), Category::kUser, Role::kOp, {});
  const Napi::Value value = info[2];
  if (value.IsString()) {
    log.TextAttribute(span, key, value.As<Napi::String>().Utf8Value());
  } else if (value.IsBoolean()) {
    log.Attribute(span, key, AttributeType::kBool, value.As<Napi::Boolean>().Value() ? 1 : 0);
  } else if (value.IsBigInt()) {
    log.Attribute(span, key, AttributeType::kInt, static_cast<uint64_t>(Int64Of(value)));
  } else {
    const double number = value.As<Napi::Number>().DoubleValue();
    uint64_t bits;
    std::memcpy(&bits, &number, sizeof(bits));
    log.Attribute(span, key, AttributeType::kDouble, bits);
  }
}

void AddLink(const Napi::CallbackInfo& info) {
  ThreadLog& log = Recorder::CurrentLog();
  log.Link(SpanOf(log, info[0]), Uint64Of(info[1]), Uint64Of(info[2]), Uint64Of(info[3]));
}

void SetTraceId(const Napi::CallbackInfo& info) {
  ThreadLog& log = Recorder::CurrentLog();
  log.TraceId(SpanOf(log, info[0]), Uint64Of(info[1]), Uint64Of(info[2]), Uint64Of(info[3]));
}

// 16 random bytes, never all zeros, as text.
Napi::Value NewTraceId(const Napi::CallbackInfo& info) {
  thread_local Random random;
  char text[33];
  const uint64_t high = random.Next();
  uint64_t low = random.Next();
  if ((high | low) == 0) low = 1;
  std::snprintf(text, sizeof(text), "%016" PRIx64 "%016" PRIx64, high, low);
  return Napi::String::New(info.Env(), text, 32);
}

Napi::Value ProcessBits(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), Recorder::CurrentLog().process_bits());
}

void SpanMark(const Napi::CallbackInfo& info) {
  ThreadLog& log = Recorder::CurrentLog();
  log.SpanMark(info[0].As<Napi::Number>().Uint32Value(), SpanOf(log, info[1]));
}

void TimedMark(const Napi::CallbackInfo& info) {
  Recorder::CurrentLog().TimedMark(info[0].As<Napi::Number>().Uint32Value(), Int64Of(info[1]));
}

void Mark(const Napi::CallbackInfo& info) {
  Recorder::CurrentLog().Mark(info[0].As<Napi::Number>().Uint32Value());
}

void Counter(const Napi::CallbackInfo& info) {
  Recorder::CurrentLog().Counter(info[0].As<Napi::Number>().Uint32Value(),
                                 info[1].As<Napi::Number>().DoubleValue());
}

Napi::Value NowNs(const Napi::CallbackInfo& info) { return Napi::BigInt::New(info.Env(), MonotonicNs()); }

void NameThread(const Napi::CallbackInfo& info) {
  bool was_changed = false;
  Recorder::Get().NameThread(&Recorder::CurrentLog(),
                             CleanText(info[0].As<Napi::String>().Utf8Value(), &was_changed),
                             info[1].As<Napi::Number>().Int32Value());
}

}  // namespace

void ExportSpans(Napi::Env env, Napi::Object exports) {
  const auto hot = [&](const char* name, napi_callback callback) {
    napi_value function;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok)
      exports.Set(name, Napi::Value(env, function));
  };
  hot("begin", &Begin);
  hot("end", &End);
  hot("beginCounted", &BeginCounted);
  hot("beginChild", &BeginChild);
  hot("beginSpan", &BeginSpan);
  hot("beginBracket", &BeginBracket);
  hot("endUnseenBracket", &EndUnseenBracket);
  hot("enterContext", &EnterContext);
  hot("exitContext", &ExitContext);
  hot("openSpan", &OpenSpan);
  hot("beginRoot", &BeginRoot);
  hot("openRoot", &OpenRoot);
  hot("leaveSpan", &LeaveSpan);
  hot("endSpan", &EndSpan);
  hot("failSpan", &FailSpan);
  exports.Set("control", Napi::Function::New<Control>(env, "control"));
  exports.Set("internName", Napi::Function::New<InternName>(env, "internName"));
  exports.Set("timedSpan", Napi::Function::New<TimedSpan>(env, "timedSpan"));
  exports.Set("attribute", Napi::Function::New<SetAttribute>(env, "attribute"));
  exports.Set("link", Napi::Function::New<AddLink>(env, "link"));
  exports.Set("traceId", Napi::Function::New<SetTraceId>(env, "traceId"));
  exports.Set("newTraceId", Napi::Function::New<NewTraceId>(env, "newTraceId"));
  exports.Set("processBits", Napi::Function::New<ProcessBits>(env, "processBits"));
  exports.Set("spanMark", Napi::Function::New<SpanMark>(env, "spanMark"));
  exports.Set("timedMark", Napi::Function::New<TimedMark>(env, "timedMark"));
  exports.Set("mark", Napi::Function::New<Mark>(env, "mark"));
  exports.Set("counter", Napi::Function::New<Counter>(env, "counter"));
  exports.Set("nowNs", Napi::Function::New<NowNs>(env, "nowNs"));
  exports.Set("nameThread", Napi::Function::New<NameThread>(env, "nameThread"));
}

}  // namespace opscope
