// Bytes that readers of XSpace were given and understood: TensorFlow 2.21's converters, jax's ProfileData,
// protoc.
#include "format/xplane_writer.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "doctest.h"
#include "format/wire.h"
#include "format/xplane_space.h"
#include "recording_samples.h"

namespace opscope::test {
namespace {

using namespace xplane;

// One host event and one kernel, 341 bytes.
constexpr std::string_view kOneKernel =
    "0a6c12092f686f73743a4350551a2508922112046d61696e18e8072217080110c0843d18c096b1022204080120002204"
    "0802180b220d0801120908011205696e6665722a110801120d080112096465766963655f69642a16080212120802120e"
    "636f7272656c6174696f6e5f69640ada01120d2f6465766963653a4750553a301a320807121253747265616d20233728"
    "436f6d707574652918e807221708011080897a18c08db70122040801180b220408023803220e0801120a080112067665"
    "634164642a16080112120801120e636f7272656c6174696f6e5f69642a16080212120802120e6b65726e656c5f646574"
    "61696c732a55080312510803124d726567733a3136207374617469635f7368617265643a302064796e616d69635f7368"
    "617265643a3020677269643a342c312c3120626c6f636b3a3235362c312c31206f63635f7063743a31303022086e6f64"
    "65686f7374";
// The plane that tells when the session was: 1.7e18 ns since 1970, for 100 ms.
constexpr std::string_view kTimes =
    "0a6512105461736b20456e7669726f6e6d656e742a1a080112160801121270726f66696c655f73746172745f74696d65"
    "2a19080212150802121170726f66696c655f73746f705f74696d65320c0801188080a8b1e39fe7cb17320c08021880c2"
    "ffe0e39fe7cb17";

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[c & 15];
  }
  return text;
}

std::string BytesOf(Space* space) {
  ByteSink sink = ByteSink::ToMemory();
  CHECK(space->Fit(kDefaultXplaneBytes) == 0);
  space->Write(&sink);
  CHECK(sink.bytes() == space->bytes());
  return std::string(sink.view());
}

class InferPlane : public Plane {
 public:
  InferPlane() : Plane(kHostPlane, 0) { lines.push_back({4242, "main"}); }
  void WriteEvents(size_t, EventWriter* out) override {
    if (event_ == 0) event_ = tables.events.Add("infer", "");
    out->StartLineAt(1000);
    REQUIRE(out->Keeps(7000));
    out->Start(event_, 2000, 7000);
    out->Int(tables.stats.IdOf(StatName::kDeviceId), 0);
    out->Uint(tables.stats.IdOf(StatName::kCorrelationId), 11);
    out->Finish();
  }
  void Clear() override {
    Plane::Clear();
    event_ = 0;
  }

 private:
  uint32_t event_ = 0;
};

class KernelPlane : public Plane {
 public:
  KernelPlane() : Plane(std::string(kDevicePlane) + "0", 0) { lines.push_back({7, "Stream #7(Compute)"}); }
  void WriteEvents(size_t, EventWriter* out) override {
    if (event_ == 0) event_ = tables.events.Add("vecAdd", "");
    out->StartLineAt(1000);
    REQUIRE(out->Keeps(6000));
    out->Start(event_, 3000, 6000);
    out->Uint(tables.stats.IdOf(StatName::kCorrelationId), 11);
    const uint32_t details = tables.stats.IdOf(StatName::kKernelDetails);
    out->Ref(details, tables.stats.IdOf("regs:16 static_shared:0 dynamic_shared:0 grid:4,1,1 block:256,1,1 "
                                        "occ_pct:100"));
    out->Finish();
  }
  void Clear() override {
    Plane::Clear();
    event_ = 0;
  }

 private:
  uint32_t event_ = 0;
};

}  // namespace

TEST_CASE("one host event and one kernel are the bytes that the readers were given") {
  Space space;
  space.planes.push_back(std::make_unique<InferPlane>());
  space.planes.push_back(std::make_unique<KernelPlane>());
  space.hostname = "nodehost";
  CHECK(Hex(BytesOf(&space)) == kOneKernel);
}

TEST_CASE("the times of a session are the bytes that the readers were given") {
  Space space;
  constexpr int64_t kStart = 1'700'000'000'000'000'000;
  space.planes.push_back(std::make_unique<TaskPlane>(SessionTimes{kStart, kStart + 100'000'000}));
  space.hostname = "h";
  CHECK(Hex(BytesOf(&space)) == std::string(kTimes) + "220168");
}

TEST_CASE("an XSpace is as long as was counted, whatever the rows") {
  for (uint32_t seed = 1; seed < 12; ++seed) {
    const auto recording = RandomRecording(seed, 4, 3000);
    ByteSink sink = ByteSink::ToMemory();
    REQUIRE(WriteXplane(*recording, kDefaultXplaneBytes, &sink, nullptr).ok());
    wire::Reader space(sink.view());
    size_t planes = 0;
    while (space.Next()) {
      if (space.field() != space::kPlanes) continue;
      ++planes;
      wire::Reader plane(space.bytes());
      while (plane.Next()) {
        wire::Reader line(plane.field() == plane::kLines ? plane.bytes() : std::string_view());
        while (line.Next()) {
        }
        REQUIRE(!line.damaged());
      }
      REQUIRE(!plane.damaged());
    }
    REQUIRE(!space.damaged());
    CHECK(planes >= 2);

    std::unique_ptr<ByteSink> bytes;
    REQUIRE(MakeXplane(*recording, kDefaultXplaneBytes, 5, &bytes).ok());
    CHECK(bytes->view().substr(5) == sink.view());
  }
}

TEST_CASE("an XSpace within a limit has the events that ended last") {
  const auto recording = RandomRecording(3, 4, 20'000);
  for (const uint64_t limit : {1'000'000u, 300'000u, 50'000u}) {
    ByteSink sink = ByteSink::ToMemory();
    std::vector<Warning> warnings;
    REQUIRE(WriteXplane(*recording, limit, &sink, &warnings).ok());
    CHECK(sink.bytes() <= limit);
    if (warnings.empty()) continue;
    CHECK(sink.bytes() >= limit / 2);
    CHECK(warnings.front().code == "oldest-left-out");
  }
}

}  // namespace opscope::test
