// The fake GPU itself, through the symbols of the libraries it stands in for:
// what it answers, what it writes, and that it sees misuse. Each case needs
// libraries or variables of its own, and runs in a child process.
#include <unistd.h>

#include <algorithm>
#include <set>

#include "doctest.h"
#include "fake/client/child_run.h"
#include "fake/client/fakes.h"
#include "fake/client/raw_client.h"

using namespace fakegpu;

namespace {

constexpr const char* k13 = "cupti-13/libcupti.so.13";

// "" when the child's checks held, else what it printed.
std::string Trouble(const std::string& test_case, const std::vector<std::string>& variables = {}) {
  const ChildResult result = RunCase(test_case, variables);
  return result.exit_status == 0 ? "" : std::to_string(result.exit_status) + "\n" + result.output;
}

std::vector<RawClient::Seen> OfKind(const std::vector<RawClient::Seen>& seen, uint32_t kind) {
  std::vector<RawClient::Seen> found;
  std::copy_if(seen.begin(), seen.end(), std::back_inserter(found),
               [&](const auto& one) { return one.kind == kind; });
  return found;
}

bool HasViolation(const std::string& part) { return FakeViolations().find(part) != std::string::npos; }

}  // namespace

TEST_CASE("fake GPU") {
  CHECK(Trouble("fake child: record sizes of 11.8", {"FAKECUPTI_PERSONALITY=11.8"}) == "");
  CHECK(Trouble("fake child: record sizes of 13.0") == "");
  CHECK(Trouble("fake child: symbols by release") == "");
  CHECK(Trouble("fake child: a launch is recorded on its thread") == "");
  CHECK(Trouble("fake child: only known fields are written") == "");
  CHECK(Trouble("fake child: misuse is seen") == "");
  CHECK(Trouble("fake child: a null buffer crashes old libraries only", {"FAKECUPTI_PERSONALITY=12.4"}) ==
        "");
  CHECK(Trouble("fake child: answers without a driver", {"FAKECUPTI_ERRORS=no-driver"}) == "");
  CHECK(Trouble("fake child: running work is given when it is done") == "");
  CHECK(Trouble("fake child: bad scripts tell their line") == "");
  CHECK(Trouble("fake child: the clock can be scripted") == "");
  CHECK(Trouble("fake child: bursts of several threads lose nothing") == "");
}

TEST_CASE("fake child: record sizes of 11.8" * doctest::skip()) {
  const RawClient cupti("cupti-11.8/libcupti.so.11.8");
  CHECK(cupti.StrideOf(10) == 200);
  CHECK(cupti.StrideOf(1) == 88);
  CHECK(cupti.StrideOf(38) == 40);
  CHECK(cupti.StrideOf(53) == 0);
  uint32_t version = 0;
  cupti.Call("cuptiGetVersion", &version);
  CHECK(version == 18);
  uint8_t bytes[8] = {200};
  void* record = nullptr;
  CHECK(cupti.Call("cuptiActivityGetNextRecord", &bytes[0], size_t{8}, &record) == 999);
}

TEST_CASE("fake child: record sizes of 13.0" * doctest::skip()) {
  const RawClient cupti(k13);
  CHECK(cupti.StrideOf(10) == 216);
  CHECK(cupti.StrideOf(49) == 128);
  CHECK(cupti.StrideOf(51) == 56);
  alignas(8) uint8_t bytes[40] = {5};
  void* record = nullptr;
  CHECK(cupti.Call("cuptiActivityGetNextRecord", &bytes[0], size_t{39}, &record) == 12);
  CHECK(cupti.Call("cuptiActivityGetNextRecord", &bytes[0], size_t{0}, &record) == 12);
  CHECK(cupti.Call("cuptiActivityGetNextRecord", &bytes[0], size_t{40}, &record) == 0);
  CHECK(cupti.Call("cuptiActivityGetNextRecord", &bytes[0], size_t{40}, &record) == 12);
}

TEST_CASE("fake child: symbols by release" * doctest::skip()) {
  const RawClient old("cupti-11.8/libcupti.so.11.8"), middle("cupti-12/libcupti.so.12"), latest(k13);
  const RawClient incomplete("cupti-incomplete/libcupti.so.12");
  CHECK(old.Symbol("cuptiActivityEnableAndDump") != nullptr);
  CHECK(old.Symbol("cuptiGetErrorMessage") == nullptr);
  CHECK(middle.Symbol("cuptiGetErrorMessage") != nullptr);
  CHECK(middle.Symbol("cuptiActivityEnableDriverApi") == nullptr);
  CHECK(latest.Symbol("cuptiActivityEnableDriverApi") != nullptr);
  CHECK(incomplete.Symbol("cuptiActivityGetNumDroppedRecords") == nullptr);
}

TEST_CASE("fake child: a launch is recorded on its thread" * doctest::skip()) {
  RawClient cupti(k13);
  cupti.Start({5, 10});
  REQUIRE(RunFake("api cudaLaunchKernel corr=3\nkernel gemm dur=9us\nthread 1\napi cudaLaunchKernel corr=4\n"
                  "kernel gemm dur=9us") == "");
  cupti.Stop();
  const auto seen = cupti.Take();
  const auto calls = OfKind(seen, 5), kernels = OfKind(seen, 10);
  REQUIRE(calls.size() == 2);
  REQUIRE(kernels.size() == 2);
  std::set<int64_t> threads;
  for (const auto& call : calls) threads.insert(call.At<uint32_t>(28));
  CHECK(threads.count(gettid()) == 1);
  CHECK(threads.size() == 2);
  // Per-thread buffers, asked for where the launch is.
  const auto asked = RawClient::RequestThreads();
  CHECK(std::set<int64_t>(asked.begin(), asked.end()) == threads);
  CHECK(std::string(kernels[0].At<const char*>(104)) == "gemm");
  CHECK(kernels[0].At<uint64_t>(24) - kernels[0].At<uint64_t>(16) == 9000);
  CHECK(FakeViolations() == "");
}

TEST_CASE("fake child: only known fields are written" * doctest::skip()) {
  RawClient cupti(k13);
  cupti.Start({5, 10, 1});
  REQUIRE(RunFake("api cudaLaunchKernel\nkernel k\nmemcpy htod bytes=5") == "");
  cupti.Stop();
  const auto seen = cupti.Take();
  const auto kernels = OfKind(seen, 10), copies = OfKind(seen, 1);
  REQUIRE(kernels.size() == 1);
  REQUIRE(copies.size() == 1);
  CHECK(kernels[0].At<uint64_t>(160) == 0xA5A5A5A5A5A5A5A5u);  // a pointer that nobody may follow
  CHECK(kernels[0].At<uint32_t>(148) != 0xA5A5A5A5u);          // the graph node is written
  CHECK(copies[0].At<uint64_t>(8) == 5);
  CHECK(copies[0].At<uint32_t>(52) == 0xA5A5A5A5u);
}

TEST_CASE("fake child: misuse is seen" * doctest::skip()) {
  RawClient cupti(k13);
  cupti.Call("cuptiActivityEnable", uint32_t{5});
  CHECK(HasViolation("enabled before buffer callbacks"));
  CHECK(cupti.Call("cuptiActivityFlushAll", uint32_t{0}) == 7);
  CHECK(cupti.Call("cuptiActivityDisable", uint32_t{5}) == 0);
  cupti.Start({5, 10});
  void* other = nullptr;
  CHECK(cupti.Call("cuptiSubscribe", &other, static_cast<ApiCallback>(nullptr),
                   static_cast<void*>(nullptr)) == 39);
  CHECK(cupti.Call("cuptiActivityEnable", uint32_t{3}) == 14);
  CHECK(cupti.Call("cuptiActivityEnable", uint32_t{99}) == 21);
  uint8_t no = 0;
  size_t size = 1;
  CHECK(cupti.Call("cuptiActivitySetAttribute", uint32_t{9}, &size, static_cast<void*>(&no)) == 14);
  CHECK(HasViolation("attribute 9 changed"));

  RawClient::OnComplete() = [&] { CHECK(cupti.Call("cuptiActivityFlushAll", uint32_t{1}) == 7); };
  REQUIRE(RunFake("api cudaLaunchKernel\ncomplete") == "");
  CHECK(HasViolation("cuptiActivityFlushAll called inside a buffer callback"));
  RawClient::OnComplete() = [] { throw 1; };
  REQUIRE(RunFake("api cudaLaunchKernel\ncomplete") == "");
  CHECK(HasViolation("complete callback threw"));
  RawClient::OnComplete() = nullptr;

  RawClient::Fault() = "odd";
  REQUIRE(RunFake("api cudaLaunchKernel\ncomplete") == "");
  CHECK(HasViolation("aligned"));
  RawClient::Fault() = "dirty";
  REQUIRE(RunFake("api cudaLaunchKernel") == "");
  CHECK(HasViolation("not zeroed"));
  RawClient::Fault() = "again";
  REQUIRE(RunFake("thread 1\napi cudaLaunchKernel") == "");
  CHECK(HasViolation("still in use"));
  RawClient::Fault() = "null";
  REQUIRE(RunFake("thread 2\napi cudaLaunchKernel") == "");
  CHECK(!HasViolation("no buffer given"));
  CHECK(Controls::Get().count("unread-drops") == 1);
}

TEST_CASE("fake child: a null buffer crashes old libraries only" * doctest::skip()) {
  RawClient cupti("cupti-12/libcupti.so.12");
  cupti.Start({5});
  RawClient::Fault() = "null";
  REQUIRE(RunFake("api cudaLaunchKernel") == "");
  CHECK(HasViolation("no buffer given"));
}

// The table of the spec, section 1.4.
TEST_CASE("fake child: answers without a driver" * doctest::skip()) {
  const RawClient cupti(k13);
  const RequestCallback request = [](uint8_t**, size_t*, size_t*) {};
  const CompleteCallback complete = [](void*, uint32_t, uint8_t*, size_t, size_t) {};
  size_t dropped = 1;
  uint64_t now = 0;
  CHECK(cupti.Call("cuptiActivityRegisterCallbacks", request, complete) == 0);
  CHECK(cupti.Call("cuptiActivityEnable", uint32_t{10}) == 999);
  CHECK(cupti.Call("cuptiActivityFlushAll", uint32_t{1}) == 999);
  CHECK(cupti.Call("cuptiActivityGetNumDroppedRecords", static_cast<const void*>(nullptr), uint32_t{0},
                   &dropped) == 0);
  CHECK(cupti.Call("cuptiGetTimestamp", &now) == 0);
  CHECK(now > 0);
}

TEST_CASE("fake child: running work is given when it is done" * doctest::skip()) {
  RawClient cupti(k13);
  cupti.Start({5, 10});
  REQUIRE(RunFake("api cudaLaunchKernel\nkernel slow dur=1ms running") == "");
  cupti.Call("cuptiActivityFlushAll", uint32_t{0});
  CHECK(OfKind(cupti.Take(), 10).empty());
  REQUIRE(RunFake("finish ctx=1") == "");
  cupti.Call("cuptiActivityFlushAll", uint32_t{0});
  auto kernels = OfKind(cupti.Take(), 10);
  REQUIRE(kernels.size() == 1);
  CHECK(kernels[0].At<uint64_t>(24) - kernels[0].At<uint64_t>(16) == 1'000'000);

  REQUIRE(RunFake("api cudaLaunchKernel\nkernel endless running") == "");
  cupti.Stop();
  kernels = OfKind(cupti.Take(), 10);
  REQUIRE(kernels.size() == 1);
  CHECK(kernels[0].At<uint64_t>(16) != 0);
  CHECK(kernels[0].At<uint64_t>(24) == 0);
}

TEST_CASE("fake child: bad scripts tell their line" * doctest::skip()) {
  CHECK(RunFake("# nothing\n\nkernel") == "line 3: kernel needs a name");
  CHECK(RunFake("kernle k") == "line 1: there is no op \"kernle\"");
  CHECK(RunFake("kernel k durr=1") == "line 1: kernel knows no durr=");
  CHECK(RunFake("kernel k dur=1x") == "line 1: not a number: 1x");
  CHECK(RunFake("memcpy htoq") == "line 1: no such direction: htoq");
  CHECK(RunFake("kernel \"void f<a b>(int)\" dur=1us # a comment") == "");
  CHECK(RunFake("kernel \"running\" running") == "");
}

TEST_CASE("fake child: the clock can be scripted" * doctest::skip()) {
  RawClient cupti(k13);
  cupti.Start({5, 10});
  REQUIRE(RunFake("clock 1000\nepoch 500000\nskew -7\napi cudaLaunchKernel dur=250\nkernel k gap=0 "
                  "dur=10\nclockstep 100") == "");
  uint64_t now = 0;
  cupti.Call("cuptiGetTimestamp", &now);
  CHECK(now == 501'350);
  CHECK(Controls::Get().host_ns() == 1250);
  cupti.Stop();
  const auto seen = cupti.Take();
  const auto calls = OfKind(seen, 5), kernels = OfKind(seen, 10);
  REQUIRE(calls.size() == 1);
  REQUIRE(kernels.size() == 1);
  CHECK(calls[0].At<uint64_t>(8) == 501'000);
  CHECK(calls[0].At<uint64_t>(16) == 501'250);
  CHECK(kernels[0].At<uint64_t>(16) == 501'243);
}

TEST_CASE("fake child: bursts of several threads lose nothing" * doctest::skip()) {
  RawClient cupti(k13);
  cupti.Start({5, 10});
  REQUIRE(RunFake("burst 20000 threads=4") == "");
  cupti.Stop();
  const auto seen = cupti.Take();
  CHECK(OfKind(seen, 10).size() == 80'000);
  std::set<uint32_t> ids;
  for (const auto& call : OfKind(seen, 5)) ids.insert(call.At<uint32_t>(32));
  CHECK(ids.size() == 80'000);
  CHECK(FakeViolations() == "");
}
