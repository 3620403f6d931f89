// Waiting with a limit, in spite of interruptions.
#pragma once

#include <poll.h>

#include <cerrno>
#include <cstdint>
#include <ctime>

namespace shim {

// A time limit on the monotonic clock: what is left of it survives interruptions and clock changes.
class Deadline {
 public:
  explicit Deadline(double milliseconds) : end_(Now() + static_cast<int64_t>(milliseconds * 1e6)) {}
  int64_t Left() const {
    int64_t left = end_ - Now();
    return left > 0 ? left : 0;
  }
  static timespec Spec(int64_t nanoseconds) {
    return {static_cast<time_t>(nanoseconds / 1000000000), static_cast<long>(nanoseconds % 1000000000)};
  }
  static int64_t Now() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
  }

 private:
  int64_t end_;
};

// Waits until the descriptor is ready for `events`. False with errno at the end of the time (ETIMEDOUT) or on an error.
inline bool WaitFor(int descriptor, short events, const Deadline& deadline) {
  for (;;) {
    pollfd entry = {descriptor, events, 0};
    timespec limit = Deadline::Spec(deadline.Left());
    int ready = ppoll(&entry, 1, &limit, nullptr);
    if (ready > 0) return true;
    if (ready == 0) errno = ETIMEDOUT;
    if (errno != EINTR) return false;
  }
}

}  // namespace shim
