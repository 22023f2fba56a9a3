// Controls of the fake CUPTI and CUDA libraries, exported by libfakegpu.so,
// which both load: a test opens that file itself and drives the very instance
// that the back end talks to. Grammar of scripts: script.h.
#pragma once

#include <stdint.h>

extern "C" {

// Runs a script on the calling thread, which is its `thread 0`. Any thread,
// several at a time. 0, or the number of the first bad line; what was wrong
// with it is in fakecupti_error(). Lines before it have been run.
int fakecupti_run_text(const char* text);
const char* fakecupti_error(void);

// Misuse seen so far, one sentence a line; "" while there was none. This text
// and the next stay valid until the same thread asks again.
const char* fakecupti_violations(void);
// Calls of the library in order, "cuptiActivityEnable 10 -> 0" a line.
const char* fakecupti_calls(void);
// requests, completions, records, live-buffers, unread-drops, held-records,
// contexts, call-threads (threads that made state-changing calls), violations.
// UINT64_MAX for another word.
uint64_t fakecupti_count(const char* what);

// The host clock of the script, CLOCK_MONOTONIC ns while it is live: the
// function to hand to opscope's ScriptClock.
uint64_t fakecupti_host_ns(void);
// The same moment as cuptiGetTimestamp tells it.
uint64_t fakecupti_device_ns(void);

// Forgets journal, clock, errors, oddities, held records and the world of
// devices; reads the environment again. Subscription, enabled kinds,
// callbacks and buffers stay as they are, since the client knows of them.
void fakecupti_reset(void);
// Frees every text that records pointed to, as unloading a module does: a
// client that kept a pointer instead of a copy now fails under ASan.
void fakecupti_free_texts(void);
}
