#include "cupti_search.h"

#include <dirent.h>
#include <glob.h>
#include <link.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace opscope::gpu {

namespace {

constexpr int kNewestMajor = 13, kOldestMajor = 11;

#if defined(__aarch64__)
const char* const kTargets[] = {"targets/sbsa-linux/lib", "targets/aarch64-linux/lib"};
#else
const char* const kTargets[] = {"targets/x86_64-linux/lib"};
#endif

// In CUDA 11 the minor is part of the soname, newest first here too.
std::vector<std::string> NamesOfMajor(int major) {
  if (major != 11) return {"libcupti.so." + std::to_string(major)};
  std::vector<std::string> names;
  for (int minor = 8; minor >= 0; --minor) names.push_back("libcupti.so.11." + std::to_string(minor));
  return names;
}

bool IsFile(const std::string& path) {
  struct stat what {};
  return stat(path.c_str(), &what) == 0 && S_ISREG(what.st_mode);
}
bool IsFolder(const std::string& path) {
  struct stat what {};
  return stat(path.c_str(), &what) == 0 && S_ISDIR(what.st_mode);
}

std::vector<std::string> Glob(const std::string& pattern) {
  std::vector<std::string> paths;
  glob_t found{};
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  return paths;
}

struct Folder {
  std::string path;
  std::string origin;
};

class Lister {
 public:
  explicit Lister(const CuptiSearch& search) : search_(search) {}

  std::vector<CuptiCandidate> Run() {
    if (const std::string given = Variable("OPSCOPE_CUPTI_PATH"); !given.empty()) {
      AddGiven(given);
      return std::move(out_);
    }
    AddMapped();
    const std::vector<Folder> before = FoldersOfEnvironment(), after = FoldersOfSystem();
    const int wanted =
        search_.wanted_major == 0 ? kNewestMajor : std::min(search_.wanted_major, kNewestMajor + 1);
    for (int major = wanted; major >= kOldestMajor; --major) {
      AddMajor(major, before);
      for (const std::string& name : NamesOfMajor(major)) out_.push_back({name, "the loader's search"});
      AddMajor(major, after);
    }
    return std::move(out_);
  }

 private:
  std::string Variable(const char* name) const {
    const char* value = search_.environment(name);
    return value != nullptr ? value : "";
  }

  void AddGiven(const std::string& given) {
    if (!IsFolder(given)) {
      out_.push_back({given, "OPSCOPE_CUPTI_PATH"});
      return;
    }
    for (int major = kNewestMajor + 1; major >= kOldestMajor; --major)
      AddMajor(major, {{given, "OPSCOPE_CUPTI_PATH"}});
    // A folder that someone chose may hold the unversioned name alone.
    if (out_.empty()) out_.push_back({given + "/libcupti.so", "OPSCOPE_CUPTI_PATH"});
  }

  // Of several, the one of the wanted major first.
  void AddMapped() {
    std::vector<std::string> mapped = search_.mapped;
    std::stable_sort(mapped.begin(), mapped.end(), [this](const std::string& a, const std::string& b) {
      return IsOfMajor(a, search_.wanted_major) && !IsOfMajor(b, search_.wanted_major);
    });
    for (const std::string& path : mapped) out_.push_back({path, "mapped"});
  }
  static bool IsOfMajor(const std::string& path, int major) {
    const std::string wanted = "libcupti.so." + std::to_string(major);
    const size_t at = path.rfind(wanted);
    if (at == std::string::npos) return false;
    const size_t next = at + wanted.size();
    return next == path.size() || path[next] == '.';
  }

  void AddMajor(int major, const std::vector<Folder>& folders) {
    for (const Folder& folder : folders) {
      for (const std::string& name : NamesOfMajor(major)) {
        const std::string path = folder.path + "/" + name;
        if (IsFile(path)) out_.push_back({path, folder.origin});
      }
    }
  }

  static void AddToolkit(const std::string& root, const std::string& origin, std::vector<Folder>* folders) {
    folders->push_back({root + "/extras/CUPTI/lib64", origin});
    for (const char* target : kTargets) folders->push_back({root + "/" + target, origin});
    folders->push_back({root + "/lib64", origin});
    folders->push_back({root + "/lib", origin});
  }
  // The layouts of the CUDA 13 and the CUDA 11/12 wheels.
  static void AddSitePackages(const std::string& root, const std::string& origin,
                              std::vector<Folder>* folders) {
    folders->push_back({root + "/nvidia/cu13/lib", origin});
    folders->push_back({root + "/nvidia/cuda_cupti/lib", origin});
  }

  std::vector<Folder> FoldersOfEnvironment() const {
    std::vector<Folder> folders;
    for (const char* name : {"CUDA_HOME", "CUDA_PATH", "CUDAToolkit_ROOT"}) {
      if (const std::string root = Variable(name); !root.empty()) AddToolkit(root, name, &folders);
    }
    for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
      const std::string root = Variable(name);
      if (root.empty()) continue;
      for (const std::string& site : Glob(root + "/lib/python3*/site-packages"))
        AddSitePackages(site, name, &folders);
    }
    if (const std::string conda = Variable("CONDA_PREFIX"); !conda.empty())
      AddToolkit(conda, "CONDA_PREFIX", &folders);
    const std::string python_path = Variable("PYTHONPATH");
    for (size_t at = 0; at < python_path.size();) {
      const size_t end = std::min(python_path.find(':', at), python_path.size());
      if (end > at) AddSitePackages(python_path.substr(at, end - at), "PYTHONPATH", &folders);
      at = end + 1;
    }
    return folders;
  }

  static std::vector<Folder> FoldersOfSystem() {
    std::vector<Folder> folders;
    AddToolkit("/usr/local/cuda", "/usr/local", &folders);
    std::vector<std::string> versions = Glob("/usr/local/cuda-*");
    std::reverse(versions.begin(), versions.end());  // newest first within a major; glob sorts by text
    for (const std::string& root : versions) AddToolkit(root, "/usr/local", &folders);
    return folders;
  }

  const CuptiSearch& search_;
  std::vector<CuptiCandidate> out_;
};

struct MappedSearch {
  std::string_view prefix;
  std::vector<std::string>* paths;
};

int CollectMapped(dl_phdr_info* info, size_t, void* user) {
  const auto* search = static_cast<MappedSearch*>(user);
  if (info->dlpi_name == nullptr) return 0;
  const std::string_view path = info->dlpi_name;
  const size_t slash = path.rfind('/');
  const std::string_view base = slash == std::string_view::npos ? path : path.substr(slash + 1);
  if (base.substr(0, search->prefix.size()) == search->prefix) search->paths->emplace_back(path);
  return 0;
}

}  // namespace

std::vector<CuptiCandidate> ListCuptiCandidates(const CuptiSearch& search) { return Lister(search).Run(); }

std::vector<std::string> MappedLibraries(const char* prefix) {
  std::vector<std::string> paths;
  MappedSearch search{prefix, &paths};
  dl_iterate_phdr(&CollectMapped, &search);
  return paths;
}

int MappedRuntimeMajor() {
  constexpr std::string_view kName = "libcudart.so.";
  for (const std::string& path : MappedLibraries("libcudart.so.")) {
    const int major = std::atoi(path.c_str() + path.rfind(kName) + kName.size());
    if (major > 0) return major;
  }
  return 0;
}

}  // namespace opscope::gpu
