// Where the text of request traces goes: a JSON array in files, or in a pipe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "../core/status.h"

namespace opscope {

// One thread at a time.
class RequestTraceTarget {
 public:
  virtual ~RequestTraceTarget() = default;
  // Brings objects, each with a comma before it, behind those that are there, and takes them out of `text`.
  // After an error what is left in it was not written.
  virtual Status Append(std::string* text) = 0;
  // What is there is an array of its own; the next Append begins another. A pipe has one array only.
  virtual Status Complete() = 0;
  // Nothing comes any more. Nothing is there where nothing was appended.
  virtual Status Finish() = 0;
  // Of the array that grows; 0: none does.
  virtual uint64_t size() const noexcept = 0;
  // Of all of them, and how many there were.
  virtual uint64_t bytes() const noexcept = 0;
  virtual uint64_t file_count() const noexcept = 0;
  // The path in the place of the one that was asked for, which somebody else writes to; empty: none.
  virtual std::string other_path() const { return {}; }
};

}  // namespace opscope
