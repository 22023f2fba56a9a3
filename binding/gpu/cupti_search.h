// Where a libcupti may lie: the files and names to try, best first.
#pragma once

#include <string>
#include <vector>

namespace opscope::gpu {

struct CuptiCandidate {
  std::string path;    // a file, or a bare soname for the loader to find
  std::string origin;  // "CUDA_HOME", "mapped", ...: for messages
};

// What decides the search. Plain data, so that tests can make it up.
struct CuptiSearch {
  // Value of an environment variable, or null.
  const char* (*environment)(const char* name);
  int wanted_major = 0;             // of libcudart or the driver; 0: unknown, take the newest
  std::vector<std::string> mapped;  // libcupti files that this process has open
};

// OPSCOPE_CUPTI_PATH, when set, is the only place. Then a library that is
// already mapped: two CUPTIs in a process fight for the driver. Then, for each
// major from the wanted one down: toolkit variables, Python environments, the
// loader's own search, /usr/local/cuda*. Files that do not exist are left out.
std::vector<CuptiCandidate> ListCuptiCandidates(const CuptiSearch& search);

// Files in this process whose name begins with `prefix` ("libcupti.so").
std::vector<std::string> MappedLibraries(const char* prefix);
// The major of a mapped libcudart.so.<major>, or 0.
int MappedRuntimeMajor();

}  // namespace opscope::gpu
