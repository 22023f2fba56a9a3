#include "xplane_writer.h"

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "json_scanner.h"
#include "xplane_device.h"
#include "xplane_devices.h"
#include "xplane_host.h"
#include "xplane_space.h"

namespace opscope {
namespace {

using namespace xplane;

// What loadCapture() needs beyond what readers of the format know.
class RecordingPlane : public TaskPlane {
 public:
  RecordingPlane(const Recording& recording, const HostPlane& host)
      : TaskPlane({recording.origin_epoch_ns, recording.origin_epoch_ns + recording.duration_ns}),
        recording_(recording),
        lanes_(host.LanesText()),
        threads_(host.ThreadsText()) {}

  void WriteStats(wire::Writer* out) override {
    TaskPlane::WriteStats(out);
    StatTable& stats = tables.stats;
    PutUint(out, plane::kStats, stats.IdOf(StatName::kOpscope), 1);
    PutInt(out, plane::kStats, stats.IdOf(StatName::kProcessId), recording_.process_id);
    PutInt(out, plane::kStats, stats.IdOf(StatName::kOriginClockNs), recording_.origin_clock_ns);
    PutUint(out, plane::kStats, stats.IdOf(StatName::kDropped), recording_.dropped);
    PutString(out, plane::kStats, stats.IdOf(StatName::kLanes), lanes_);
    PutString(out, plane::kStats, stats.IdOf(StatName::kThreads), threads_);
    PutString(out, plane::kStats, stats.IdOf(StatName::kMeta), recording_.meta_json);
  }

 private:
  const Recording& recording_;
  const std::string lanes_, threads_;
};

std::string HostOf(const Recording& recording) {
  std::string host, key;
  if (!recording.processes.empty()) host = recording.processes.front().host;
  JsonScanner json(recording.meta_json);
  if (host.empty() && json.Enter()) {
    while (json.NextKey(&key)) {
      const bool is_host = key == "host" && json.Peek() == JsonScanner::Kind::kString;
      if (is_host ? !json.ReadString(&host) : !json.Skip()) break;
    }
  }
  return host.empty() ? "localhost" : host;
}

std::string Sentence(const Warning& warning) {
  std::string text = warning.code + ": " + warning.detail;
  if (warning.count != 0) text.append(" (").append(std::to_string(warning.count)).append(")");
  return text;
}

void Fill(const Recording& recording, const Devices& devices, OpOfKernels* ops, Space* space) {
  auto host = std::make_unique<HostPlane>(recording, devices);
  auto task = std::make_unique<RecordingPlane>(recording, *host);
  space->planes.push_back(std::move(host));
  std::vector<DevicePlane*> gpus;
  for (size_t i = 0; i < devices.count(); ++i) {
    auto plane = std::make_unique<DevicePlane>(recording, devices, i, ops);
    gpus.push_back(plane.get());
    space->planes.push_back(std::move(plane));
  }
  for (uint32_t i = 0; i < recording.gpu.size(); ++i)
    gpus[devices.IndexOf(recording.gpu[i].device)]->AddRow(i);
  for (DevicePlane* gpu : gpus) gpu->Lay();
  space->planes.push_back(std::move(task));

  if (recording.dropped != 0)
    space->warnings.push_back(std::to_string(recording.dropped) + " spans found no room and were dropped");
  for (const Warning& warning : recording.warnings) space->warnings.push_back(Sentence(warning));
  space->hostname = HostOf(recording);
}

// Calls write(space) once all sizes are known.
template <typename WriteSpace>
void MakeSpace(const Recording& recording, uint64_t max_bytes, std::vector<Warning>* warnings,
               WriteSpace write) {
  const Devices devices(recording);
  OpOfKernels ops(recording);
  Space space;
  Fill(recording, devices, &ops, &space);
  // Some for the sentence that tells what was left out.
  constexpr uint64_t kSentenceBytes = 256;
  const uint64_t count = space.Fit(max_bytes - std::min(max_bytes, kSentenceBytes));
  if (count != 0) {
    std::vector<Warning> told;
    told.push_back(
        {"oldest-left-out",
         "The oldest events were left out, to keep the file within " + std::to_string(max_bytes) + " bytes.",
         count});
    space.warnings.push_back(Sentence(told.front()));
    if (warnings != nullptr) warnings->push_back(told.front());
  }
  write(&space);
}

Status OutOfMemory() { return Status::Error(Code::kOutOfMemory, "not enough memory to write the recording"); }

}  // namespace

Status WriteXplane(const Recording& recording, uint64_t max_bytes, ByteSink* sink,
                   std::vector<Warning>* warnings) try {
  MakeSpace(recording, max_bytes, warnings, [sink](Space* space) { space->Write(sink); });
  return sink->Finish();
} catch (const std::bad_alloc&) {
  return OutOfMemory();
}

Status MakeXplane(const Recording& recording, uint64_t max_bytes, uint64_t headroom,
                  std::unique_ptr<ByteSink>* bytes) try {
  MakeSpace(recording, max_bytes, nullptr, [&](Space* space) {
    // With what Room() asks for at the end, so that nothing grows and is copied.
    bytes->reset(new ByteSink(ByteSink::ToMemory(headroom + space->bytes() + ByteSink::kMaxRoom)));
    const std::string free(static_cast<size_t>(headroom), '\0');
    (*bytes)->Append(free);
    space->Write(bytes->get());
  });
  return (*bytes)->Finish();
} catch (const std::bad_alloc&) {
  return OutOfMemory();
}

}  // namespace opscope
