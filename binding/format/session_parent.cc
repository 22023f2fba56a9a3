#include "session_parent.h"

#include <string>

#include "hex.h"
#include "json_scanner.h"

namespace opscope {

SessionParent SessionParentOf(std::string_view meta_json) {
  JsonScanner in(meta_json);
  std::string key, text;
  if (!in.Enter()) return {};
  while (in.NextKey(&key)) {
    if (key != "traceparent") {
      in.Skip();
      continue;
    }
    // 00-<32 digits>-<16 digits>-<flags>: TypeScript has checked it.
    SessionParent parent;
    const bool is_whole =
        in.Peek() == JsonScanner::Kind::kString && in.ReadString(&text) && text.size() >= 55;
    const std::string_view view(text);
    if (is_whole && GetHex(view.substr(3, 16), &parent.trace.high) &&
        GetHex(view.substr(19, 16), &parent.trace.low) && GetHex(view.substr(36, 16), &parent.span_id))
      return parent;
    return {};
  }
  return {};
}

}  // namespace opscope
