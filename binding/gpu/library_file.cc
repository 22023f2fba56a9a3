#include "library_file.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

namespace opscope::gpu {

namespace {

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#else
constexpr uint16_t kMachine = EM_NONE;  // not compared
#endif
constexpr unsigned char kClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;

std::string TroubleIn(int file) {
  struct stat what {};
  if (fstat(file, &what) != 0 || !S_ISREG(what.st_mode)) return "no file";
  const auto bytes = static_cast<uint64_t>(what.st_size);
  if (bytes == 0) return "empty";
  ElfW(Ehdr) header{};
  if (pread(file, &header, sizeof(header), 0) != sizeof(header) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return "no shared library";
  if (header.e_ident[EI_CLASS] != kClass || (kMachine != EM_NONE && header.e_machine != kMachine))
    return "a library for another kind of machine";
  std::vector<ElfW(Phdr)> segments(header.e_phnum);
  const size_t table_bytes = segments.size() * sizeof(segments[0]);
  if (header.e_phentsize != sizeof(segments[0])) return "no shared library";
  if (pread(file, segments.data(), table_bytes, static_cast<off_t>(header.e_phoff)) !=
      static_cast<ssize_t>(table_bytes))
    return "cut short";
  for (const ElfW(Phdr) & segment : segments) {
    if (segment.p_type == PT_LOAD &&
        (segment.p_offset > bytes || segment.p_filesz > bytes - segment.p_offset))
      return "cut short";
  }
  return "";
}

}  // namespace

std::string LibraryFileTrouble(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno == ENOENT ? "" : path + " is unreadable: " + std::strerror(errno);
  const std::string trouble = TroubleIn(file);
  close(file);
  return trouble.empty() ? "" : path + " is " + trouble;
}

}  // namespace opscope::gpu
