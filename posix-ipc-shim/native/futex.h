// The futex system call, which the C library does not wrap. `shared`: the word lies in memory that other processes map.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ctime>

namespace shim {

// A relative time limit, measured on the monotonic clock; nullptr waits without one.
inline long FutexWait(const void* word, uint32_t expected, const timespec* limit, bool shared) {
  return syscall(SYS_futex, word, shared ? FUTEX_WAIT : FUTEX_WAIT_PRIVATE, expected, limit, nullptr, 0);
}

inline long FutexWake(const void* word, int count, bool shared) {
  return syscall(SYS_futex, word, shared ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

inline uint32_t LoadWord(const uint32_t* word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }

}  // namespace shim
