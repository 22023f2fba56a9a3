#include "cupti_library.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>

#include "library_file.h"

namespace opscope::gpu {

namespace {

template <typename Function>
bool Resolve(void* handle, const char* name, Function* out) noexcept {
  *out = reinterpret_cast<Function>(dlsym(handle, name));
  return *out != nullptr;
}

// The name of the first mandatory symbol that is missing, or null.
const char* ResolveAll(void* handle, CuptiApi* api) noexcept {
  const char* missing = nullptr;
  const auto need = [&](const char* name, auto* out) {
    if (!Resolve(handle, name, out) && missing == nullptr) missing = name;
  };
  need("cuptiGetVersion", &api->get_version);
  need("cuptiGetResultString", &api->get_result_string);
  need("cuptiGetTimestamp", &api->get_timestamp);
  need("cuptiActivityRegisterCallbacks", &api->register_callbacks);
  need("cuptiActivityEnable", &api->enable);
  need("cuptiActivityDisable", &api->disable);
  need("cuptiActivityFlushAll", &api->flush_all);
  need("cuptiActivityGetNextRecord", &api->get_next_record);
  need("cuptiActivityGetNumDroppedRecords", &api->get_num_dropped_records);
  need("cuptiActivitySetAttribute", &api->set_attribute);
  need("cuptiSubscribe", &api->subscribe);
  need("cuptiUnsubscribe", &api->unsubscribe);
  need("cuptiGetCallbackName", &api->get_callback_name);
  Resolve(handle, "cuptiActivityEnableAndDump", &api->enable_and_dump);
  Resolve(handle, "cuptiEnableCallback", &api->enable_callback);
  Resolve(handle, "cuptiSetThreadIdType", &api->set_thread_id_type);
  Resolve(handle, "cuptiActivityEnableRuntimeApi", &api->enable_runtime_api);
  Resolve(handle, "cuptiActivityEnableDriverApi", &api->enable_driver_api);
  Resolve(handle, "cuptiSubscribe_v2", &api->subscribe_v2);
  return missing;
}

// From the file's name where it tells, since version 18 is both 11.8 and 12.0.
int MajorOf(const std::string& path, uint32_t version) {
  constexpr const char kName[] = "libcupti.so.";
  if (const size_t at = path.rfind(kName); at != std::string::npos) {
    const int major = std::atoi(path.c_str() + at + sizeof(kName) - 1);
    if (major >= 11 && major < 100) return major;
  }
  if (version >= 100'000) return static_cast<int>(version / 10'000);
  return version <= 18 ? 11 : 12;
}

// A sentence about what is wrong with the candidate; empty when it will do.
std::string Open(const CuptiCandidate& candidate, CuptiLibrary* library) {
  if (candidate.path.find('/') != std::string::npos) {
    if (std::string trouble = LibraryFileTrouble(candidate.path); !trouble.empty()) return trouble;
  }
  const int flags = RTLD_NOW | RTLD_LOCAL | (candidate.origin == "mapped" ? RTLD_NOLOAD : 0);
  void* handle = dlopen(candidate.path.c_str(), flags);
  if (handle == nullptr) {
    const char* error = dlerror();
    return error != nullptr ? error : "cannot be opened";
  }
  if (const char* missing = ResolveAll(handle, &library->api)) return candidate.path + " lacks " + missing;
  if (library->api.get_version(&library->version) != cupti::kSuccess)
    return candidate.path + " tells no version";
  Dl_info where{};
  library->path = dladdr(reinterpret_cast<void*>(library->api.get_version), &where) != 0 ? where.dli_fname
                                                                                         : candidate.path;
  library->major = MajorOf(library->path, library->version);
  library->tells_holder = library->api.subscribe_v2 != nullptr && library->version < 130200;
  library->layout = ProbeLayout(library->api.get_next_record);
  if (const std::string trouble = library->layout.TroubleOf(cupti::Kind::kConcurrentKernel); !trouble.empty())
    return candidate.path + " has kernel records " + trouble;
  library->defects = DefectsOf(library->version);
  return "";
}

// What a caller has to hear: the loader's "no such file" of a bare soname is no news.
bool IsWorthTelling(const CuptiCandidate& candidate, const CuptiLibrary& library) {
  return candidate.path.find('/') != std::string::npos || library.version != 0;
}

}  // namespace

std::string CuptiApi::ResultText(cupti::Result result) const {
  const char* text = nullptr;
  if (get_result_string(result, &text) != cupti::kSuccess || text == nullptr)
    return "CUPTI result " + std::to_string(result);
  return std::string(text) + " (" + std::to_string(result) + ")";
}

CuptiDefects DefectsOf(uint32_t version) {
  CuptiDefects defects;
  defects.null_buffer_crashes = version < 27;
  if (version == 22) {
    defects.when_no_kernels =
        "CUPTI of CUDA 12.4 Update 1 traces no kernels with some drivers; 12.5 Update 1 does";
  }
  if (version == 130000) {
    defects.disabling_kernels_can_hang = true;
    defects.always =
        "CUPTI of CUDA 13.0 GA misses device synchronisations and may crash when flushed; 13.0 Update 1 is "
        "fixed";
  }
  if (version >= 130000 && version < 130101) {
    defects.in_later_sessions =
        "kernels of graphs carry ids of no graph launch, as this CUPTI is said to give them after the first "
        "session; 13.1 Update 1 is fixed";
  }
  if (version >= 130200 && version < 130300) {
    defects.always =
        "CUPTI of CUDA 13.2 takes a slow path for repeated API calls, so overhead is higher; 13.3 is fixed";
  }
  return defects;
}

CuptiOutcome LoadCupti(const CuptiSearch& search) {
  CuptiOutcome outcome;
  for (const CuptiCandidate& candidate : ListCuptiCandidates(search)) {
    auto library = std::make_unique<CuptiLibrary>();
    const std::string trouble = Open(candidate, library.get());
    if (trouble.empty()) {
      outcome.library = std::move(library);
      outcome.reason.clear();
      outcome.detail.clear();
      return outcome;
    }
    if (!IsWorthTelling(candidate, *library) && candidate.origin != "OPSCOPE_CUPTI_PATH") continue;
    const bool is_there =
        candidate.path.find('/') == std::string::npos || access(candidate.path.c_str(), F_OK) == 0;
    outcome.reason = is_there ? "cupti-unusable" : "cupti-missing";
    if (!outcome.detail.empty()) outcome.detail += "; ";
    outcome.detail += candidate.origin + ": " + trouble;
  }
  if (outcome.reason.empty()) {
    outcome.reason = "cupti-missing";
    outcome.detail =
        "no libcupti in CUDA_HOME, CUDA_PATH, Python environments, the loader's path or /usr/local/cuda*; "
        "set OPSCOPE_CUPTI_PATH to its file or folder";
  }
  return outcome;
}

CuptiSearch SearchOfProcess(int driver_version) {
  CuptiSearch search;
  search.environment = [](const char* name) -> const char* { return std::getenv(name); };
  const int runtime_major = MappedRuntimeMajor();
  search.wanted_major = runtime_major != 0 ? runtime_major : driver_version / 1000;
  search.mapped = MappedLibraries("libcupti.so");
  return search;
}

}  // namespace opscope::gpu
