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

}  // namespace opscope
