/*
 * opscope.h - record spans from a native addon into the same timeline as JavaScript.
 *
 * One header, nothing to link: C11 or C++17, Linux. The header defines a slot in
 * your addon that opscope fills when it is loaded in the same process, before or after yours
 * (it looks again whenever a session starts). While opscope is absent or nothing is recorded,
 * a span costs two loads.
 *
 *   static uint32_t gemm;                       // 0 until interned
 *   void multiply(void) {
 *     opscope_token span = opscope_begin("gemm", &gemm);
 *     ...
 *     opscope_end(span);
 *   }
 *
 * Every function may be called from any thread, also one that JavaScript knows nothing of.
 * Nothing here blocks, allocates (but for a thread's first span and a name's first use) or fails.
 */
#ifndef OPSCOPE_H_
#define OPSCOPE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#include <atomic>
#define OPSCOPE_ATOMIC(type) std::atomic<type>
#define OPSCOPE_LOAD(slot) (slot).load(std::memory_order_acquire)
extern "C" {
#else
#include <stdatomic.h>
#define OPSCOPE_ATOMIC(type) _Atomic(type)
#define OPSCOPE_LOAD(slot) atomic_load_explicit(&(slot), memory_order_acquire)
#endif

/*
 * Identifies an open span on the thread that began it, a span with an id on any thread (`opscope_current`),
 * or an adoption on its thread. 0: not recorded.
 */
typedef uint64_t opscope_token;

/* Categories and roles, as in the options of the JavaScript API. */
enum {
  OPSCOPE_USER = 0,
  OPSCOPE_SECTION = 1,
  OPSCOPE_INFERENCE = 2,
  OPSCOPE_CPU_OP = 3,
  OPSCOPE_RUNTIME_API = 4
};
enum { OPSCOPE_ROLE_OP = 0, OPSCOPE_ROLE_PHASE = 1, OPSCOPE_ROLE_SPECIAL = 3 };

/* What opscope offers. Fields are only ever added at the end; `size` tells how many there are. */
struct opscope_functions_v1 {
  size_t size;
  /* The id of a name, for begin, mark and counter; never 0. `text` is UTF-8 and need not end in 0. */
  uint32_t (*intern)(const char* text, size_t bytes, int category, int role);
  opscope_token (*begin)(uint32_t name);
  /* Ends what `begin` returned, on the same thread. 0 is ignored. */
  void (*end)(opscope_token span);
  void (*mark)(uint32_t name);
  void (*counter)(uint32_t name, double value);
  /* Attributes of the innermost span open on this thread. */
  void (*attribute_int)(const char* key, int64_t value);
  void (*attribute_double)(const char* key, double value);
  void (*attribute_text)(const char* key, const char* text, size_t bytes);
  /* How the calling thread is called in reports. */
  void (*name_thread)(const char* text, size_t bytes);
  /* Not in the first tables: compare `size`. */
  opscope_token (*current)(void);
  opscope_token (*adopt)(opscope_token span);
  void (*release)(opscope_token adoption);
};

/*
 * Filled by opscope. Weak: one of each however many of your files include this header. The gate
 * slot points to a word that is not zero while anything is recorded; until opscope comes, to one
 * that never is, so that the test needs no null check.
 */
__attribute__((weak, visibility("default")))
OPSCOPE_ATOMIC(const struct opscope_functions_v1*) opscope_slot_v1;
static const uint32_t opscope_shut_v1_ = 0;
__attribute__((weak, visibility("default"))) const uint32_t* opscope_gate_v1 = &opscope_shut_v1_;

/* The functions if a recording is running, else null. */
static inline const struct opscope_functions_v1* opscope_recording(void) {
  if (__atomic_load_n(__atomic_load_n(&opscope_gate_v1, __ATOMIC_RELAXED), __ATOMIC_RELAXED) == 0)
    return NULL;
  return OPSCOPE_LOAD(opscope_slot_v1);
}

static inline size_t opscope_length_(const char* text) {
  size_t length = 0;
  while (text[length] != 0) ++length;
  return length;
}

/* `id` caches the interned name: one static per call site, 0 at first. Racing threads intern the same id. */
static inline uint32_t opscope_name_(const struct opscope_functions_v1* api, const char* name, uint32_t* id) {
  uint32_t known = __atomic_load_n(id, __ATOMIC_RELAXED);
  if (known == 0) {
    known = api->intern(name, opscope_length_(name), OPSCOPE_CPU_OP, OPSCOPE_ROLE_OP);
    __atomic_store_n(id, known, __ATOMIC_RELAXED);
  }
  return known;
}

static inline opscope_token opscope_begin(const char* name, uint32_t* id) {
  const struct opscope_functions_v1* api = opscope_recording();
  return api == NULL ? 0 : api->begin(opscope_name_(api, name, id));
}

static inline void opscope_end(opscope_token span) {
  if (span != 0) OPSCOPE_LOAD(opscope_slot_v1)->end(span);
}

static inline void opscope_mark(const char* name, uint32_t* id) {
  const struct opscope_functions_v1* api = opscope_recording();
  if (api != NULL) api->mark(opscope_name_(api, name, id));
}

static inline void opscope_counter(const char* name, uint32_t* id, double value) {
  const struct opscope_functions_v1* api = opscope_recording();
  if (api != NULL) api->counter(opscope_name_(api, name, id), value);
}

/* The functions if opscope is here and has those of this header. */
static inline const struct opscope_functions_v1* opscope_whole_(void) {
  const struct opscope_functions_v1* api = OPSCOPE_LOAD(opscope_slot_v1);
  return api != NULL && api->size >= sizeof(struct opscope_functions_v1) ? api : NULL;
}

/*
 * The span that the calling thread works for: the innermost one with an id that is open on it, else what it
 * adopted; 0: none is known. Take it where work is handed over, keep it with the work, and adopt it where
 * the work is done.
 */
static inline opscope_token opscope_current(void) {
  const struct opscope_functions_v1* api = opscope_whole_();
  return api == NULL ? 0 : api->current();
}

/*
 * From here to the release, what the calling thread launches on a GPU, and the spans that it begins, belong
 * to `span` unless they lie inside a span of this thread; with 0, to nobody. Adoptions nest. Returns what to
 * release.
 */
static inline opscope_token opscope_adopt(opscope_token span) {
  const struct opscope_functions_v1* api = opscope_whole_();
  return api == NULL ? 0 : api->adopt(span);
}

/* Ends what `opscope_adopt` returned, on the same thread. 0 is ignored. */
static inline void opscope_release(opscope_token adoption) {
  if (adoption != 0) OPSCOPE_LOAD(opscope_slot_v1)->release(adoption);
}

#ifdef __cplusplus
} /* extern "C" */

/* Adopts a span for the length of a scope. */
class opscope_adoption {
 public:
  explicit opscope_adoption(opscope_token span) noexcept : adoption_(opscope_adopt(span)) {}
  opscope_adoption(const opscope_adoption&) = delete;
  opscope_adoption& operator=(const opscope_adoption&) = delete;
  ~opscope_adoption() { opscope_release(adoption_); }

 private:
  opscope_token adoption_;
};
#endif
#endif /* OPSCOPE_H_ */
