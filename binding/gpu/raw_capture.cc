#include "raw_capture.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>

#include "activity_reader.h"

namespace opscope::gpu {

namespace {

using cupti::Kind;
using cupti::Load;

constexpr char kMagic[8] = {'O', 'P', 'S', 'C', 'R', 'A', 'W', '1'};

struct SectionHead {
  char tag[4];
  uint32_t zero;
  uint64_t length;
};
struct Tick {
  uint64_t cupti_ns;
  int64_t host_ns;
  uint32_t error_ns, zero;
};

template <typename T>
void Store(uint8_t* record, cupti::Field<T> field, T value) noexcept {
  std::memcpy(record + field.offset, &value, sizeof(T));
}

// Where a record points to a string.
struct TextFields {
  size_t count = 0;
  std::array<cupti::U64, 2> fields{};
};
TextFields TextFieldsOf(Kind kind, const RecordLayout& layout) noexcept {
  TextFields texts;
  const auto add = [&](cupti::Text text) {
    if (layout.Has(kind, text)) texts.fields[texts.count++] = {text.offset};
  };
  switch (kind) {
    case Kind::kKernel:
    case Kind::kConcurrentKernel:
      add(cupti::kernel::kName);
      break;
    case Kind::kMarker:
      add(cupti::marker::kName);
      add(cupti::marker::kDomain);
      break;
    case Kind::kDevice:
      add(cupti::device::kName);
      break;
    case Kind::kName:
      add(cupti::name::kName);
      break;
    case Kind::kMemory2:
      add(cupti::memory::kName);
      break;
    default:
      break;
  }
  return texts;
}

// What must not leave the machine, or means nothing elsewhere.
void Strip(Kind kind, const RecordLayout& layout, uint8_t* record) noexcept {
  switch (kind) {
    case Kind::kRuntime:
    case Kind::kDriver:
      return Store(record, cupti::api::kProcess, 0u);
    case Kind::kMemory2:
      return Store(record, cupti::memory::kProcess, 0u);
    case Kind::kOverhead:
      if (layout.Has(kind, cupti::overhead::kExtra))
        Store(record, cupti::overhead::kExtra, static_cast<void*>(nullptr));
      return;
    default:
      return;
  }
}

// Calls visit(kind, record) for each readable record that lies in the bytes.
template <typename Visit>
void ForEachRecord(const RecordLayout& layout, uint8_t* bytes, size_t count, Visit visit) {
  for (size_t at = 0; count - at >= 8;) {
    const uint32_t number = Load(bytes + at, cupti::kKindField);
    const size_t stride = layout.StrideOf(number);
    if (stride == 0 || stride % 8 != 0 || stride > count - at) return;
    const auto kind = static_cast<Kind>(number);
    if (layout.IsReadable(kind)) visit(kind, bytes + at);
    at += stride;
  }
}

}  // namespace

RawCapture::RawCapture(const std::string& path, const RecordLayout& layout, const ApiNames& names,
                       uint32_t cupti_version, int driver_version)
    : layout_(layout), names_(names), file_(std::fopen(path.c_str(), "wbe")) {
  has_failed_ = file_ == nullptr || std::fwrite(kMagic, sizeof(kMagic), 1, file_) != 1;
  const int32_t head[2] = {static_cast<int32_t>(cupti_version), driver_version};
  Write("HEAD", head, sizeof(head));
  Write("STRD", layout_.strides().data(), sizeof(RecordLayout::Strides));
}

RawCapture::~RawCapture() {
  if (file_ != nullptr) std::fclose(file_);
}

void RawCapture::Write(const char* tag, const void* bytes, size_t count) {
  if (has_failed_) return;
  SectionHead head{{tag[0], tag[1], tag[2], tag[3]}, 0, count};
  has_failed_ = std::fwrite(&head, sizeof(head), 1, file_) != 1 ||
                (count != 0 && std::fwrite(bytes, count, 1, file_) != 1);
}

void RawCapture::AddTick(const ClockTuple& tuple) {
  const Tick tick{tuple.cupti_ns, tuple.host_ns, tuple.error_ns, 0};
  Write("TICK", &tick, sizeof(tick));
}

uint64_t RawCapture::NumberOf(const char* text) {
  if (text == nullptr) return 0;
  const std::string key(text, strnlen(text, ActivityTexts::kMaxBytes));
  const auto [found, is_new] = numbers_.try_emplace(key, numbers_.size() + 1);
  if (is_new) Write("TEXT", key.data(), key.size());
  return found->second;
}

void RawCapture::AddCall(const uint8_t* record, uint32_t domain) {
  const uint32_t id = Load(record, cupti::api::kId);
  if (!calls_.insert(uint64_t{domain} << 32 | id).second) return;
  const std::string& name = names_.Find(domain, id).text;
  std::vector<uint8_t> section(8 + name.size());
  std::memcpy(section.data(), &domain, 4);
  std::memcpy(section.data() + 4, &id, 4);
  if (!name.empty()) std::memcpy(section.data() + 8, name.data(), name.size());
  Write("CALL", section.data(), section.size());
}

void RawCapture::AddBuffer(const uint8_t* buffer, size_t valid_bytes) {
  if (has_failed_) return;
  copy_.assign(buffer, buffer + valid_bytes);
  ForEachRecord(layout_, copy_.data(), valid_bytes, [this](Kind kind, uint8_t* record) {
    if (kind == Kind::kRuntime) AddCall(record, cupti::kRuntimeDomain);
    if (kind == Kind::kDriver) AddCall(record, cupti::kDriverDomain);
    const TextFields texts = TextFieldsOf(kind, layout_);
    for (size_t i = 0; i < texts.count; ++i) {
      const uint64_t pointer = Load(record, texts.fields[i]);
      Store(record, texts.fields[i],
            NumberOf(reinterpret_cast<const char*>(static_cast<uintptr_t>(pointer))));
    }
    Strip(kind, layout_, record);
  });
  Write("BUFF", copy_.data(), valid_bytes);
}

namespace {

// One file, one use.
class RawReplay {
 public:
  explicit RawReplay(std::FILE* file) : file_(file) {}

  Status Run(GpuRecords* out) {
    char magic[sizeof(kMagic)];
    if (std::fread(magic, sizeof(magic), 1, file_) != 1 || std::memcmp(magic, kMagic, sizeof(magic)) != 0) {
      return Status::Error(Code::kFileFormat, "not a file of raw GPU activity");
    }
    SectionHead head;
    bool is_cut = false;
    while (std::fread(&head, sizeof(head), 1, file_) == 1) {
      if (!ReadSection(head)) {
        is_cut = true;
        break;
      }
    }
    if (!has_layout_) return Status::Error(Code::kFileDamaged, "the file ends before its first buffer");
    *out = TakeWindow(&store_, {});
    if (is_cut)
      out->warnings.push_back({"gpu-capture-cut", "the file of raw GPU activity is cut or damaged", 1});
    return Status::Ok();
  }

 private:
  static constexpr uint64_t kMaxSection = 64u << 20;

  bool ReadSection(const SectionHead& head) {
    if (head.length > kMaxSection) return false;
    // std::vector's memory is aligned for any type, as records need.
    std::vector<uint8_t> bytes(static_cast<size_t>(head.length));
    if (!bytes.empty() && std::fread(bytes.data(), bytes.size(), 1, file_) != 1) return false;
    const auto is = [&head](const char* tag) { return std::memcmp(head.tag, tag, 4) == 0; };
    if (is("STRD") && bytes.size() == sizeof(RecordLayout::Strides) && !has_layout_) {
      RecordLayout::Strides strides;
      std::memcpy(strides.data(), bytes.data(), bytes.size());
      layout_ = RecordLayout(strides);
      has_layout_ = true;
    } else if (is("CALL") && bytes.size() >= 8) {
      uint32_t numbers[2];
      std::memcpy(numbers, bytes.data(), sizeof(numbers));
      names_.Set(numbers[0], numbers[1], {reinterpret_cast<const char*>(bytes.data()) + 8, bytes.size() - 8});
    } else if (is("TICK") && bytes.size() == sizeof(Tick)) {
      Tick tick;
      std::memcpy(&tick, bytes.data(), sizeof(tick));
      clock_.Add({tick.cupti_ns, tick.host_ns, tick.error_ns});
    } else if (is("TEXT")) {
      texts_.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    } else if (is("BUFF") && has_layout_) {
      ReadBuffer(&bytes);
    }
    return true;
  }

  void ReadBuffer(std::vector<uint8_t>* bytes) {
    ForEachRecord(layout_, bytes->data(), bytes->size(), [this](Kind kind, uint8_t* record) {
      const TextFields texts = TextFieldsOf(kind, layout_);
      for (size_t i = 0; i < texts.count; ++i) {
        const uint64_t number = Load(record, texts.fields[i]);
        const char* text = number >= 1 && number <= texts_.size()
                               ? texts_[static_cast<size_t>(number - 1)].c_str()
                               : nullptr;
        Store(record, texts.fields[i], static_cast<uint64_t>(reinterpret_cast<uintptr_t>(text)));
      }
    });
    // Made late: the reader keeps tables as long as the calls are known.
    if (!reader_)
      reader_ = std::make_unique<ActivityReader>(ReaderSource{layout_, &names_, nullptr, false, 0}, &clock_,
                                                 &store_);
    reader_->Read(bytes->data(), bytes->size());
  }

  std::FILE* file_;
  RecordLayout layout_;
  bool has_layout_ = false;
  ApiNames names_;
  GpuClock clock_;
  RecordStore store_;
  std::unique_ptr<ActivityReader> reader_;
  std::deque<std::string> texts_;  // a deque: records point into it
};

}  // namespace

Status DecodeRawCapture(const std::string& path, GpuRecords* out) {
  std::FILE* file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) return Status::Error(Code::kFileRead, path + ": " + std::strerror(errno));
  const Status status = RawReplay(file).Run(out);
  std::fclose(file);
  return status;
}

}  // namespace opscope::gpu
