#include "throw_status.h"

namespace opscope {

namespace {

const char* CodeText(Code code) noexcept {
  switch (code) {
    case Code::kOk:
      break;
    case Code::kFileRead:
      return "ERR_OPSCOPE_FILE_READ";
    case Code::kFileWrite:
      return "ERR_OPSCOPE_FILE_WRITE";
    case Code::kFileFormat:
      return "ERR_OPSCOPE_FILE_FORMAT";
    case Code::kFileDamaged:
      return "ERR_OPSCOPE_FILE_DAMAGED";
    case Code::kBadRows:
      return "ERR_OPSCOPE_ROWS";
    case Code::kNoSession:
      return "ERR_OPSCOPE_SESSION_STOPPED";
    case Code::kOutOfMemory:
      return "ERR_OPSCOPE_OUT_OF_MEMORY";
  }
  return "ERR_OPSCOPE_NATIVE_MISSING";
}

}  // namespace

Napi::Error ErrorOf(Napi::Env env, const Status& status) {
  Napi::Error error = Napi::Error::New(env, status.detail);
  error.Set("code", Napi::String::New(env, CodeText(status.code)));
  return error;
}

}  // namespace opscope
