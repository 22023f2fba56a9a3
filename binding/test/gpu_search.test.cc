#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "doctest.h"
#include "gpu/cupti_library.h"
#include "gpu/cupti_search.h"
#include "test/temporary_path.h"

using namespace opscope::gpu;

namespace {

std::map<std::string, std::string> g_environment;
const char* Lookup(const char* name) {
  const auto found = g_environment.find(name);
  return found == g_environment.end() ? nullptr : found->second.c_str();
}

struct Folder : opscope::test::TemporaryFolder {
  std::string Add(const std::string& file) const {
    const std::filesystem::path full = std::filesystem::path(path()) / file;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << "not a library";
    return full.string();
  }
};

std::vector<std::string> PathsOf(const CuptiSearch& search) {
  std::vector<std::string> paths;
  for (const CuptiCandidate& candidate : ListCuptiCandidates(search)) {
    // What lies on this machine itself is no business of these tests.
    if (candidate.origin != "/usr/local") paths.push_back(candidate.path);
  }
  return paths;
}

CuptiSearch Search(int wanted_major, std::vector<std::string> mapped = {}) {
  return {&Lookup, wanted_major, std::move(mapped)};
}

}  // namespace

TEST_CASE("OPSCOPE_CUPTI_PATH is the only place when it is set, a file or a folder") {
  const Folder folder;
  const std::string twelve = folder.Add("libcupti.so.12"), thirteen = folder.Add("libcupti.so.13");
  g_environment = {{"OPSCOPE_CUPTI_PATH", twelve}, {"CUDA_HOME", folder.path()}};
  CHECK(PathsOf(Search(13, {"/mapped/libcupti.so.13"})) == std::vector<std::string>{twelve});
  g_environment = {{"OPSCOPE_CUPTI_PATH", folder.path()}};
  CHECK(PathsOf(Search(12)) == std::vector<std::string>{thirteen, twelve});
  g_environment = {{"OPSCOPE_CUPTI_PATH", "/nowhere/libcupti.so"}};
  const CuptiOutcome missing = LoadCupti(Search(13));
  CHECK(missing.library == nullptr);
  CHECK(missing.reason == "cupti-missing");
  CHECK(missing.detail.find("/nowhere/libcupti.so") != std::string::npos);
  g_environment = {{"OPSCOPE_CUPTI_PATH", thirteen}};
  CHECK(LoadCupti(Search(13)).reason == "cupti-unusable");
}

TEST_CASE("a library that is mapped already comes first, the one of the wanted major before others") {
  g_environment = {};
  const auto paths = PathsOf(Search(12, {"/a/libcupti.so.11.8", "/b/libcupti.so.12"}));
  REQUIRE(paths.size() >= 2);
  CHECK(paths[0] == "/b/libcupti.so.12");
  CHECK(paths[1] == "/a/libcupti.so.11.8");
}

TEST_CASE("the wanted major is tried in every place before a lower one, and a newer one never") {
  const Folder toolkit, venv;
  const std::string eleven = toolkit.Add("extras/CUPTI/lib64/libcupti.so.11.8");
  const std::string thirteen = toolkit.Add("lib64/libcupti.so.13");
  const std::string wheel = venv.Add("lib/python3.11/site-packages/nvidia/cuda_cupti/lib/libcupti.so.12");
  g_environment = {{"CUDA_HOME", toolkit.path()}, {"VIRTUAL_ENV", venv.path()}};
  const auto paths = PathsOf(Search(12));
  REQUIRE(paths.size() >= 4);
  CHECK(paths[0] == wheel);
  CHECK(paths[1] == "libcupti.so.12");
  CHECK(paths[2] == eleven);
  CHECK(paths[3] == "libcupti.so.11.8");
  CHECK(paths.back() == "libcupti.so.11.0");
  CHECK(std::find(paths.begin(), paths.end(), thirteen) == paths.end());
  CHECK(PathsOf(Search(0))[0] == thirteen);
}

TEST_CASE("PYTHONPATH and conda are looked through in the layouts of the wheels") {
  const Folder site, conda;
  const std::string wheel = site.Add("nvidia/cu13/lib/libcupti.so.13");
  const std::string package = conda.Add("lib/libcupti.so.13");
  g_environment = {{"PYTHONPATH", std::string("/nowhere::") + site.path()}, {"CONDA_PREFIX", conda.path()}};
  const auto paths = PathsOf(Search(13));
  REQUIRE(paths.size() >= 2);
  CHECK(paths[0] == package);
  CHECK(paths[1] == wheel);
}

TEST_CASE("mapped libraries are found by their names") {
  const auto mapped = MappedLibraries("libc.so");
  REQUIRE(mapped.size() == 1);
  CHECK(mapped[0].find("libc.so.6") != std::string::npos);
  CHECK(MappedLibraries("libcupti.so.99").empty());
}
