#include <algorithm>
#include <string>

#include "doctest.h"
#include "gpu/record_store.h"

using namespace opscope;
using namespace opscope::gpu;

namespace {

// What a reader would have left behind.
struct Filled {
  void Call(const char* name, uint64_t id, int64_t start_ns) {
    GpuApiCall* call = store.calls.Room(1);
    *call = {start_ns, start_ns + 5, id, 100, store.texts.Intern(name), 0};
    store.calls.Commit(1);
    store.first_call_ns = std::min(store.first_call_ns, start_ns);
    store.first_call_id = std::min(store.first_call_id, id);
    if (std::string(name).substr(0, 4) != "cuda") ++store.driver_call_count;
  }
  void Kernel(const char* name, uint64_t id, int64_t start_ns) {
    GpuRow* row = store.rows.Room(1);
    *row = {};
    row->start_ns = start_ns;
    row->end_ns = start_ns + 10;
    row->correlation_id = id;
    row->name = store.texts.Intern(name);
    KernelRow* kernel = store.kernels.Room(1);
    *kernel = {};
    kernel->row = static_cast<uint32_t>(store.rows.size());
    kernel->grid_x = static_cast<uint32_t>(id);
    store.rows.Commit(1);
    store.kernels.Commit(1);
    store.first_row_ns = std::min(store.first_row_ns, start_ns);
    if (id != 0) store.first_row_id = std::min(store.first_row_id, id);
  }
  void Fill(uint64_t id, int64_t start_ns) {
    GpuRow* row = store.rows.Room(1);
    *row = {};
    row->start_ns = start_ns;
    row->correlation_id = id;
    row->kind = GpuKind::kFill;
    store.rows.Commit(1);
    store.first_row_ns = std::min(store.first_row_ns, start_ns);
    if (id != 0) store.first_row_id = std::min(store.first_row_id, id);
  }
  RecordStore store;
};

uint64_t WarningCount(const GpuRecords& records, const std::string& code) {
  for (const Warning& warning : records.warnings) {
    if (warning.code == code) return warning.count;
  }
  return 0;
}

}  // namespace

TEST_CASE(
    "a window keeps work by its launch: launched before it is left out and counted, however late it ran") {
  Filled filled;
  filled.Call("cudaLaunchKernel", 5, 900);
  filled.Call("cudaLaunchKernel", 6, 1100);
  filled.Kernel("leaked", 3, 1500);  // launched before the recording: its call was never seen
  filled.Kernel("before", 5, 1200);
  filled.Fill(6, 1250);
  filled.Kernel("inside", 6, 1300);
  filled.Kernel("no id", 0, 950);
  filled.Kernel("orphan", 8, 1400);  // its call was lost
  const GpuRecords records = TakeWindow(&filled.store, {1000, 0, true});
  REQUIRE(records.calls.size() == 1);
  CHECK(records.calls[0].correlation_id == 6);
  REQUIRE(records.rows.size() == 3);
  CHECK(records.rows[0].kind == GpuKind::kFill);
  CHECK(records.strings[records.rows[1].name] == "inside");
  CHECK(records.strings[records.rows[2].name] == "orphan");
  REQUIRE(records.kernels.size() == 2);
  CHECK(records.kernels[0].row == 1);
  CHECK(records.kernels[0].grid_x == 6);
  CHECK(records.kernels[1].row == 2);
  CHECK(WarningCount(records, "gpu-before-window") == 3);
}

TEST_CASE("a copy of a window leaves the store as it was; taking it empties the store") {
  Filled filled;
  for (uint64_t id = 1; id <= 10; ++id) {
    filled.Call("cudaLaunchKernel", id, static_cast<int64_t>(id) * 100);
    filled.Kernel("k", id, static_cast<int64_t>(id) * 100 + 50);
  }
  CHECK(TakeWindow(&filled.store, {501, 0, false}).rows.size() == 5);
  CHECK(filled.store.rows.size() == 10);
  CHECK(TakeWindow(&filled.store, {0, 0, false}).rows.size() == 10);
  const GpuRecords all = TakeWindow(&filled.store, {0, 0, true});
  CHECK(all.rows.size() == 10);
  CHECK(all.calls.size() == 10);
  CHECK(all.kernels.size() == 10);
  CHECK(WarningCount(all, "gpu-before-window") == 0);
  CHECK(filled.store.rows.size() == 0);
}

TEST_CASE(
    "of a runtime call and the driver calls inside it the runtime call stays; a driver call of its own stays "
    "too") {
  for (const uint64_t first : {uint64_t{1}, uint64_t{0x1'0000'0000}}) {
    for (const uint64_t stride : {uint64_t{1}, uint64_t{1'000'000}}) {  // ids close together, and far apart
      Filled filled;
      filled.Call("cuLaunchKernel", first, 100);
      filled.Call("cudaLaunchKernel", first, 99);
      filled.Call("cuLaunchKernelEx", first + stride, 200);
      filled.Call("cudaMemcpyAsync", first + 2 * stride, 300);
      filled.Call("cuMemcpyHtoDAsync", first + 2 * stride, 301);
      const GpuRecords records = TakeWindow(&filled.store, {0, 0, true});
      REQUIRE(records.calls.size() == 3);
      CHECK(records.strings[records.calls[0].name] == "cudaLaunchKernel");
      CHECK(records.strings[records.calls[1].name] == "cuLaunchKernelEx");
      CHECK(records.strings[records.calls[2].name] == "cudaMemcpyAsync");
    }
  }
}

TEST_CASE("a call that the clocks' error put just before the window is inside, and begins with it") {
  Filled filled;
  filled.Call("cudaLaunchKernel", 1, 899);
  filled.Call("cudaLaunchKernel", 2, 950);
  filled.Call("cudaLaunchKernel", 3, 1050);
  const GpuRecords records = TakeWindow(&filled.store, {1000, 100, true});
  REQUIRE(records.calls.size() == 2);
  CHECK(records.calls[0].correlation_id == 2);
  CHECK(records.calls[0].start_ns == 1000);
  CHECK(records.calls[0].end_ns == 1005);
  CHECK(records.calls[1].start_ns == 1050);
}

TEST_CASE("without any call in the window, rows are kept by time") {
  Filled filled;
  filled.Kernel("before", 7, 900);
  filled.Kernel("inside", 8, 1100);
  const GpuRecords records = TakeWindow(&filled.store, {1000, 0, true});
  REQUIRE(records.rows.size() == 1);
  CHECK(records.strings[records.rows[0].name] == "inside");
}

TEST_CASE("columns keep their rows while they grow, and refuse rows beyond the limit") {
  GrowingColumn<uint64_t> column;
  for (uint64_t i = 0; i < 600'000; ++i) {
    *column.Room(1) = i;
    column.Commit(1);
  }
  CHECK(column.column()[0] == 0);
  CHECK(column.column()[599'999] == 599'999);
  CHECK(column.Room(GrowingColumn<uint64_t>::kMaxRows) == nullptr);
  CHECK(column.column()[300'000] == 300'000);
  const Column<uint64_t> taken = column.Take();
  CHECK(taken.size() == 600'000);
  CHECK(column.size() == 0);
  *column.Room(1) = 1;
  column.Commit(1);
  CHECK(column.size() == 1);
}
