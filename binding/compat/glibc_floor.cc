// Lets a binary that was linked on a new system load on one whose glibc is as old as 2.28, the floor of
// Node's own binaries. Part of what is built with OPSCOPE_STATIC_RUNTIME on glibc;
// scripts/check-glibc-floor.mjs proves the result.
//
// glibc keeps every old version of a function that it moved or renewed, but the linker binds to the newest.
// The hidden definitions here stand before glibc's for all that is linked in, libstdc++.a and libgcc_eh.a
// included, and call the old version or do the work with older means. No libstdc++ headers: they set the
// visibility of what they declare.
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "compat/sliced_wait.h"

// The version that all symbols of a platform began with, that of two younger functions, and _STAT_VER.
#if defined(__x86_64__)
#define OPSCOPE_FIRST "GLIBC_2.2.5"
#define OPSCOPE_THREAD_NAMES "GLIBC_2.12"
static const int kStatVersion = 1;
#elif defined(__aarch64__)
#define OPSCOPE_FIRST "GLIBC_2.17"
#define OPSCOPE_THREAD_NAMES "GLIBC_2.17"
static const int kStatVersion = 0;
#else
#error "OPSCOPE_STATIC_RUNTIME knows the versions of glibc's symbols on x86-64 and aarch64 only"
#endif

#define OPSCOPE_FLOOR extern "C" __attribute__((visibility("hidden")))
// old_NAME is NAME in the given version.
#define OPSCOPE_OLD(name, version)        \
  extern "C" decltype(::name) old_##name; \
  __asm__(".symver old_" #name ", " #name "@" version)

// libdl and libpthread became parts of libc in 2.34. The binary still names both as needed, for older
// systems.
OPSCOPE_OLD(dladdr, OPSCOPE_FIRST);
OPSCOPE_FLOOR int dladdr(const void* address, Dl_info* into) noexcept { return old_dladdr(address, into); }

OPSCOPE_OLD(dlclose, OPSCOPE_FIRST);
OPSCOPE_FLOOR int dlclose(void* library) noexcept { return old_dlclose(library); }

OPSCOPE_OLD(dlerror, OPSCOPE_FIRST);
OPSCOPE_FLOOR char* dlerror() noexcept { return old_dlerror(); }

OPSCOPE_OLD(dlopen, OPSCOPE_FIRST);
OPSCOPE_FLOOR void* dlopen(const char* path, int mode) noexcept { return old_dlopen(path, mode); }

OPSCOPE_OLD(dlsym, OPSCOPE_FIRST);
OPSCOPE_FLOOR void* dlsym(void* library, const char* name) noexcept { return old_dlsym(library, name); }

OPSCOPE_OLD(pthread_create, OPSCOPE_FIRST);
OPSCOPE_FLOOR int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                                 void* argument) noexcept {
  return old_pthread_create(thread, attributes, run, argument);
}

OPSCOPE_OLD(pthread_detach, OPSCOPE_FIRST);
OPSCOPE_FLOOR int pthread_detach(pthread_t thread) noexcept { return old_pthread_detach(thread); }

OPSCOPE_OLD(pthread_join, OPSCOPE_FIRST);
OPSCOPE_FLOOR int pthread_join(pthread_t thread, void** result) { return old_pthread_join(thread, result); }

OPSCOPE_OLD(pthread_once, OPSCOPE_FIRST);
OPSCOPE_FLOOR int pthread_once(pthread_once_t* once, void (*run)()) { return old_pthread_once(once, run); }

OPSCOPE_OLD(pthread_getname_np, OPSCOPE_THREAD_NAMES);
OPSCOPE_FLOOR int pthread_getname_np(pthread_t thread, char* name, size_t bytes) noexcept {
  return old_pthread_getname_np(thread, name, bytes);
}

OPSCOPE_OLD(pthread_setname_np, OPSCOPE_THREAD_NAMES);
OPSCOPE_FLOOR int pthread_setname_np(pthread_t thread, const char* name) noexcept {
  return old_pthread_setname_np(thread, name);
}

OPSCOPE_OLD(pthread_sigmask, OPSCOPE_FIRST);
OPSCOPE_FLOOR int pthread_sigmask(int how, const sigset_t* set, sigset_t* old_set) noexcept {
  return old_pthread_sigmask(how, set, old_set);
}

// libstdc++ looks whether it is there, to know that there are threads.
OPSCOPE_OLD(pthread_key_create, OPSCOPE_FIRST);
OPSCOPE_FLOOR int __pthread_key_create(pthread_key_t* key, void (*destroy)(void*)) {
  return old_pthread_key_create(key, destroy);
}

// Before 2.33 these were inline functions around calls that name the layout of struct stat.
extern "C" int old_xstat(int version, const char* path, struct stat* into);
__asm__(".symver old_xstat, __xstat@" OPSCOPE_FIRST);
OPSCOPE_FLOOR int stat(const char* path, struct stat* into) noexcept {
  return old_xstat(kStatVersion, path, into);
}

extern "C" int old_fxstat(int version, int file, struct stat* into);
__asm__(".symver old_fxstat, __fxstat@" OPSCOPE_FIRST);
OPSCOPE_FLOOR int fstat(int file, struct stat* into) noexcept { return old_fxstat(kStatVersion, file, into); }

// New in 2.32: shared_ptr counts without atomics while it is true.
OPSCOPE_FLOOR char __libc_single_threaded;
char __libc_single_threaded = 0;

// New in 2.30: waits of condition_variable on the steady clock.
OPSCOPE_FLOOR int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                                         const struct timespec* deadline) {
  using Wait = decltype(pthread_cond_clockwait);
  static Wait* const wait = reinterpret_cast<Wait*>(old_dlsym(RTLD_DEFAULT, "pthread_cond_clockwait"));
  return wait != nullptr ? wait(condition, mutex, clock, deadline)
                         : opscope::SlicedWait(condition, mutex, clock, deadline);
}

// New in 2.35: where libgcc's unwinder finds the tables of the code it comes through.
#ifdef DLFO_STRUCT_HAS_EH_DBASE
namespace {
struct ObjectSearch {
  uintptr_t address;
  struct dl_find_object* result;
};

int FindIn(struct dl_phdr_info* object, size_t /*bytes*/, void* data) {
  const ObjectSearch& search = *static_cast<ObjectSearch*>(data);
  uintptr_t eh_frame = 0, start = 0, end = 0;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    const uintptr_t from = object->dlpi_addr + part.p_vaddr;
    if (part.p_type == PT_GNU_EH_FRAME) eh_frame = from;
    if (part.p_type == PT_LOAD && search.address - from < part.p_memsz) {
      start = from;
      end = from + part.p_memsz;
    }
  }
  if (end == 0) return 0;
  if (eh_frame == 0) return -1;
  search.result->dlfo_flags = 0;
  search.result->dlfo_map_start = reinterpret_cast<void*>(start);
  search.result->dlfo_map_end = reinterpret_cast<void*>(end);
  search.result->dlfo_link_map = nullptr;  // the unwinder does not read it
  search.result->dlfo_eh_frame = reinterpret_cast<void*>(eh_frame);
  return 1;
}
}  // namespace

OPSCOPE_FLOOR int _dl_find_object(void* address, struct dl_find_object* result) noexcept {
  ObjectSearch search = {reinterpret_cast<uintptr_t>(address), result};
  return dl_iterate_phdr(FindIn, &search) == 1 ? 0 : -1;
}
#endif
