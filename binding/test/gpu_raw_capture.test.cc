#include <string>

#include "doctest.h"
#include "gpu/raw_capture.h"
#include "test/gpu_record_builder.h"
#include "test/temporary_path.h"

using namespace opscope;
using namespace opscope::gpu;
using gpu_test::BufferBuilder;
using gpu_test::LayoutOf;
using gpu_test::StrideRow;
using opscope::test::TemporaryFile;

namespace {

constexpr uint64_t kEpoch = 1'760'000'000'000'000'000;

void WriteSample(const std::string& path) {
  const RecordLayout layout = LayoutOf(&StrideRow::cuda_12_4);
  ApiNames names;
  names.Set(cupti::kRuntimeDomain, 211, "cudaLaunchKernel_v7000");
  RawCapture capture(path, layout, names, 22, 12040);
  capture.AddTick({kEpoch, 0, 50});
  // Texts that are gone when the file is read.
  std::string gemm = "_Z4gemmPf", device_name = "Test GPU";
  for (uint32_t i = 0; i < 3; ++i) {
    BufferBuilder builder(layout);
    builder.Call(cupti::Kind::kRuntime, 211, i + 1, {kEpoch + 100 * i, kEpoch + 100 * i + 10})
        .Set(cupti::api::kProcess, 4242u);
    builder.Kernel(gemm.c_str(), i + 1, {kEpoch + 100 * i + 20, kEpoch + 100 * i + 60});
    builder.Add(cupti::Kind::kDevice)
        .Set(cupti::device::kId, 0u)
        .Set(cupti::device::kName, device_name.c_str());
    capture.AddTick({kEpoch + 1000 * (i + 1), 1000 * static_cast<int64_t>(i + 1), 50});
    capture.AddBuffer(builder.data(), builder.size());
  }
  CHECK_FALSE(capture.has_failed());
}

}  // namespace

TEST_CASE("recorded buffers decode again without the process that made them") {
  const TemporaryFile file;
  WriteSample(file.path());
  GpuRecords records;
  REQUIRE(DecodeRawCapture(file.path(), &records).ok());
  REQUIRE(records.rows.size() == 3);
  CHECK(records.strings[records.rows[2].name] == "gemm(float*)");
  CHECK(records.rows[2].start_ns == 220);
  CHECK(records.rows[2].end_ns == 260);
  REQUIRE(records.calls.size() == 3);
  CHECK(records.strings[records.calls[0].name] == "cudaLaunchKernel");
  CHECK(records.calls[1].start_ns == 100);
  REQUIRE(records.devices.size() == 1);
  CHECK(records.devices[0].name == "Test GPU");
  CHECK(records.warnings.empty());
}

TEST_CASE("a recorded buffer holds no process id and each text once") {
  const TemporaryFile file;
  WriteSample(file.path());
  const std::string content = file.Content();
  const uint32_t process = 4242;
  CHECK(content.find(std::string(reinterpret_cast<const char*>(&process), 4)) == std::string::npos);
  const size_t first = content.find("_Z4gemmPf");
  CHECK(first != std::string::npos);
  CHECK(content.find("_Z4gemmPf", first + 1) == std::string::npos);
}

TEST_CASE("a file cut anywhere, or with any byte changed, is read as far as it goes or refused") {
  const TemporaryFile file;
  WriteSample(file.path());
  const std::string content = file.Content();
  GpuRecords whole;
  REQUIRE(DecodeRawCapture(file.path(), &whole).ok());
  for (size_t cut = 0; cut < content.size(); cut += cut < 400 ? 1 : 13) {
    file.Put(content.substr(0, cut));
    GpuRecords records;
    if (DecodeRawCapture(file.path(), &records).ok()) CHECK(records.rows.size() <= whole.rows.size());
  }
  for (size_t at = 0; at < content.size(); at += at < 400 ? 1 : 7) {
    std::string changed = content;
    changed[at] = static_cast<char>(changed[at] ^ 0x5A);
    file.Put(changed);
    GpuRecords records;
    [[maybe_unused]] const Status status = DecodeRawCapture(file.path(), &records);
  }
}

TEST_CASE("what is no such file is refused with a reason") {
  GpuRecords records;
  CHECK(DecodeRawCapture("/nowhere/raw", &records).code == Code::kFileRead);
  const TemporaryFile file;
  file.Put("something else entirely");
  CHECK(DecodeRawCapture(file.path(), &records).code == Code::kFileFormat);
}
