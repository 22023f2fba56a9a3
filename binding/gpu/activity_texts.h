// Names of kernels, calls and ranges, each kept once.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace opscope::gpu {

// Under the lock of the record store. A text's id is its index in Resolve()'s
// answer and stays so until Clear.
class ActivityTexts {
 public:
  // Longer names are cut: CUTLASS's exceed 2 KB, beyond 4 KB nobody reads on.
  static constexpr size_t kMaxBytes = 4096;
  // A million different names is a fault of the program's; later ones share one entry.
  static constexpr uint32_t kMaxTexts = 1u << 20;

  ActivityTexts() { Clear(); }

  uint32_t Intern(std::string_view text);
  // Of a C string that CUPTI owns: copied, since unloading a module frees it.
  // A pointer that was seen since the last Forget is not read again.
  uint32_t InternPointer(const char* text) {
    const size_t slot = SlotOf(text);
    for (const CacheEntry* entry : {&cache_[slot], &cache_[slot + 1]}) {
      if (entry->text == text && entry->generation == generation_) return entry->id;
    }
    return InternUnknown(text);
  }
  // Called for each buffer: an address may have got another name meanwhile.
  void Forget() noexcept { ++generation_; }

  // All texts by id, symbols demangled. Each is demangled once.
  std::vector<std::string> Resolve();
  void Clear();
  size_t size() const noexcept { return texts_.size(); }

 private:
  struct CacheEntry {
    const char* text = nullptr;
    uint32_t generation = 0;
    uint32_t id = 0;
  };
  // Pairs of entries, 32 KB: a model has some hundred kernels, of which hardly
  // three fall on one pair.
  static constexpr int kCacheBits = 10;
  static size_t SlotOf(const char* text) noexcept {
    return 2 * static_cast<size_t>((reinterpret_cast<uintptr_t>(text) * 0x9E3779B97F4A7C15u) >>
                                   (64 - kCacheBits));
  }
  uint32_t InternUnknown(const char* text);

  std::deque<std::string> texts_;  // a deque: ids_ points into it
  std::unordered_map<std::string_view, uint32_t> ids_;
  std::vector<std::string> resolved_;
  std::array<CacheEntry, 2u << kCacheBits> cache_{};
  uint32_t generation_ = 1;
};

// "void gemm<float>(float*)" of "_Z4gemmIfEvPT_"; what is no symbol, or longer
// than 4 KB in either form, is cut and otherwise left as it is. Valid UTF-8.
std::string ReadableName(std::string_view text);

}  // namespace opscope::gpu
