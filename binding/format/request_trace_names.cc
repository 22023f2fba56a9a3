#include "request_trace_names.h"

#include <cstring>

namespace opscope {
namespace {

// Places in kKnown.
constexpr StampName kHttpRecvStart = 0;
constexpr StampName kGrpcWaitReadStart = 4;

constexpr std::array<std::string_view, kFirstCustomName> kKnown = {
    "HTTP_RECV_START",
    "HTTP_RECV_END",
    "HTTP_SEND_START",
    "HTTP_SEND_END",
    "GRPC_WAITREAD_START",
    "GRPC_WAITREAD_END",
    "GRPC_SEND_START",
    "GRPC_SEND_END",
    "REQUEST_START",
    "QUEUE_START",
    "COMPUTE_START",
    "COMPUTE_INPUT_END",
    "COMPUTE_OUTPUT_START",
    "COMPUTE_END",
    "INFER_RESPONSE_COMPLETE",
    "REQUEST_END",
    "http recv start",
    "http recv end",
    "http send start",
    "http send end",
    "grpc wait/read start",
    "grpc wait/read end",
    "grpc send start",
    "grpc send end",
    "request handler start",
    "queue start",
    "compute start",
    "compute input end",
    "compute output start",
    "compute end",
    "",
    "request handler end",
};

bool Has(std::string_view text, std::string_view part) noexcept {
  return text.find(part) != std::string_view::npos;
}

uint32_t FrontEndOf(std::string_view text) noexcept {
  const bool is_http = Has(text, "HTTP_RECV_START") || Has(text, "http recv start");
  const bool is_grpc = Has(text, "GRPC_WAITREAD_START") || Has(text, "grpc wait/read start");
  return (is_http ? uint32_t{kTraceFromHttp} : 0) | (is_grpc ? uint32_t{kTraceFromGrpc} : 0);
}

}  // namespace

uint32_t BoundedNames::Of(std::string_view text) {
  if (const auto known = numbers_.find(text); known != numbers_.end()) return known->second;
  if (texts_.size() == kMost) return kMost;
  const auto number = static_cast<uint32_t>(texts_.size());
  texts_.emplace_back(text);
  numbers_.emplace(text, number);
  return number;
}

StampNames::StampNames() {
  for (StampName name = 0; name < kFirstCustomName; ++name) {
    if (!kKnown[name].empty()) known_.emplace(kKnown[name], name);
    next_[name] = name;
  }
}

StampName StampNames::Of(std::string_view text) {
  if (const auto known = known_.find(text); known != known_.end()) return known->second;
  const uint32_t number = custom_.Of(text);
  if (number == custom_front_ends_.size() && number < BoundedNames::kMost)
    custom_front_ends_.push_back(FrontEndOf(text));
  return kFirstCustomName + number;
}

const char* StampNames::Read(const char* p, StampName last, StampName* name) noexcept {
  StampName* const next = last < kFirstCustomName ? &next_[last] : &next_[0];
  const std::string_view likely = kKnown[*next];
  if (std::memcmp(p, likely.data(), likely.size()) != 0 || p[likely.size()] != '"') {
    const void* const quote = std::memchr(p, '"', 32);
    if (quote == nullptr) return nullptr;
    const auto known = known_.find({p, static_cast<size_t>(static_cast<const char*>(quote) - p)});
    if (known == known_.end()) return nullptr;
    *next = known->second;
  }
  *name = *next;
  return p + kKnown[*next].size() + 1;
}

uint32_t StampNames::FrontEnd(StampName name) const noexcept {
  switch (name) {
    case kHttpRecvStart:
    case kFirstV1Name + kHttpRecvStart:
      return kTraceFromHttp;
    case kGrpcWaitReadStart:
    case kFirstV1Name + kGrpcWaitReadStart:
      return kTraceFromGrpc;
    default:
      if (name < kFirstCustomName || name - kFirstCustomName >= custom_front_ends_.size()) return 0;
      return custom_front_ends_[name - kFirstCustomName];
  }
}

}  // namespace opscope
