// The files of a recording that is too large for one.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/session_writer.h"

namespace opscope {

// The file being written always has the given path; one that is full is renamed
// to `stem`.1`suffix`, .2, … in the order of time, past names that are taken.
class FileRotation final : public Rotation {
 public:
  using MakeSink = std::function<std::unique_ptr<StreamSink>(int fd)>;
  FileRotation(std::string path, std::string suffix, uint64_t max_bytes, MakeSink make_sink);

  bool IsFull(uint64_t bytes) const noexcept override { return bytes >= max_bytes_; }
  std::unique_ptr<StreamSink> Open() override;
  void Swap() override;

 private:
  std::string Numbered();

  const std::string path_, suffix_;
  const uint64_t max_bytes_;
  const MakeSink make_sink_;
  std::string next_path_;
  uint64_t number_ = 0;
};

}  // namespace opscope
