#include "columns.h"

namespace opscope {

const char* CategoryName(Category category) noexcept {
  switch (category) {
    case Category::kUser:
      return "user";
    case Category::kSection:
      return "section";
    case Category::kInference:
      return "inference";
    case Category::kCpuOp:
      return "cpu_op";
    case Category::kRuntimeApi:
      return "runtime_api";
    case Category::kDevice:
      return "device";
    case Category::kMemcpy:
      return "memcpy";
    case Category::kSync:
      return "sync";
    case Category::kOverhead:
      return "overhead";
    case Category::kGc:
      return "gc";
    case Category::kEventLoop:
      return "event_loop";
    case Category::kRequest:
      return "request";
  }
  return "unknown";
}

const char* RoleName(Role role) noexcept {
  switch (role) {
    case Role::kOp:
      return "op";
    case Role::kPhase:
      return "phase";
    case Role::kInstance:
      return "instance";
    case Role::kSpecial:
      return "special";
    case Role::kCopy:
      return "copy";
    case Role::kSample:
      return "sample";
  }
  return "op";
}

}  // namespace opscope
