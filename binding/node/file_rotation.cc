#include "file_rotation.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace opscope {

FileRotation::FileRotation(std::string path, std::string suffix, uint64_t max_bytes, MakeSink make_sink)
    : path_(std::move(path)),
      suffix_(std::move(suffix)),
      max_bytes_(max_bytes),
      make_sink_(std::move(make_sink)) {}

std::unique_ptr<StreamSink> FileRotation::Open() {
  next_path_ = path_ + "." + std::to_string(getpid()) + ".next";
  const int fd = ::open(next_path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return nullptr;
  // As the first file was: no other recording may write to it.
  static_cast<void>(::flock(fd, LOCK_EX | LOCK_NB));
  return make_sink_(fd);
}

// Only this process makes such names; another one that profiles has a path of its own.
std::string FileRotation::Numbered() {
  const std::string stem = path_.substr(0, path_.size() - suffix_.size());
  std::string path;
  do {
    path = stem + "." + std::to_string(++number_) + suffix_;
  } while (::access(path.c_str(), F_OK) == 0);
  return path;
}

void FileRotation::Swap() {
  static_cast<void>(std::rename(path_.c_str(), Numbered().c_str()));
  static_cast<void>(std::rename(next_path_.c_str(), path_.c_str()));
}

}  // namespace opscope
