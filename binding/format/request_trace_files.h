// Request traces in regular files.
#pragma once

#include <memory>
#include <string>

#include "request_trace_target.h"
#include "stream_file.h"

namespace opscope {

struct RequestTraceFilesOptions {
  std::string path;
  // Each file appears under a number, `path`.0, .1, …, when it is complete; until then it is `path`.partial.
  // Else the file that grows is `path`, and only one that was completed for its size gets a number.
  bool is_numbered = false;
  // The folder takes no new files: `path`, which is there, is written as it is.
  bool is_direct = false;
};

// A file is valid JSON from the moment it has its name, after every write, whatever becomes of the process;
// only one that is killed within a write may leave a torn end. A file that another writer of any process
// grows is left to it: ours is `path`.p<pid> then. One that is renamed, removed or emptied by somebody is
// followed by a new one.
class RequestTraceFiles final : public RequestTraceTarget {
 public:
  explicit RequestTraceFiles(RequestTraceFilesOptions options) : options_(std::move(options)) {}

  Status Append(std::string* text) override;
  Status Complete() override;
  Status Finish() override;
  uint64_t size() const noexcept override;
  uint64_t bytes() const noexcept override { return bytes_ + size(); }
  uint64_t file_count() const noexcept override { return file_count_; }
  std::string other_path() const override { return stem_ == options_.path ? std::string() : stem_; }

 private:
  static bool IsEmpty(const StreamFile& file) noexcept;
  static Status Write(StreamFile* file, const std::string& text);
  // Opens the next file and writes `text` to it, before it gets its name.
  Status Begin(const std::string& text);
  Status BeginAt(const std::string& path, const std::string& text, bool* is_taken);
  Status Keep(std::unique_ptr<StreamFile> file, const std::string& text);
  // A new file with `text`, locked, that has no name yet that anybody knows.
  Status Prepare(const std::string& text, std::string* path, std::unique_ptr<StreamFile>* file) const;
  void FollowChanges();
  void Leave() noexcept;
  // To the first number from next_number_ on that is free.
  Status MoveToNumber(const std::string& from, const char* suffix);
  std::string Growing() const { return options_.is_numbered ? stem_ + ".partial" : stem_; }

  const RequestTraceFilesOptions options_;
  std::string stem_ = options_.path;  // of the names: the path, or that with our own part
  int own_name_ = 0;                  // which of those that we may have; the first is the path
  std::unique_ptr<StreamFile> file_;  // that grows, locked; null: none does
  uint64_t next_number_ = 0;
  uint64_t bytes_ = 0;  // of those before
  uint64_t file_count_ = 0;
};

}  // namespace opscope
