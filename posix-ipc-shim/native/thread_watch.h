// Waiting for something that has no descriptor: a thread makes the blocking call, then wakes the loop and parks until it is armed again.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "loop.h"
#include "region.h"

namespace shim {

// Runs `call` where the thread may be cancelled at any instruction. `call` is one system call and holds nothing.
template <typename Call>
long Cancellable(Call call) {
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
  long result = call();
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  return result;
}

// Starts a thread that can be stopped by pthread_cancel inside Cancellable only, and takes no signals. 0 or an error number.
int StartWaiter(pthread_t* thread, void* (*body)(void*), void* argument);
// Makes a just started waiter cancellable in the way that Cancellable expects; the first thing its body does.
void BecomeWaiter();

class ThreadWatch {
 public:
  ThreadWatch(Loop* loop, napi_value callback, double spinMicroseconds);
  virtual ~ThreadWatch();
  ThreadWatch(const ThreadWatch&) = delete;
  ThreadWatch& operator=(const ThreadWatch&) = delete;

  int Start();  // the thread, armed; 0 or an error number
  void Stop();  // cancels and joins it
  void Arm();
  bool TakeFired() { return fired_.exchange(false, std::memory_order_acq_rel); }

  // On the loop's thread while the waiting thread is parked: would Block() return at once?
  virtual bool Ready() = 0;
  // What the JavaScript function is told.
  virtual double Argument() = 0;

  void Call() { callback_.Call(0, Argument()); }
  void LookSucceeded() { failedLooks_ = 0; }
  void LookFailed();
  // After a wake-up: whether the loop itself should look for what comes next.
  bool WantsLook();

  uint32_t id = 0;
  bool closed = false;
  bool referenced = true;
  bool looking = false;
  int64_t spinNanoseconds;

 protected:
  virtual void Block() = 0;  // on the waiting thread: returns when there may be something, within Cancellable

 private:
  static void* Body(void* self);

  Loop* loop_;
  Callback callback_;
  pthread_t thread_;
  bool running_ = false;
  std::atomic<uint32_t> armed_{0};
  std::atomic<bool> fired_{false};
  int failedLooks_ = 0;
  int skippedLooks_ = 0;
};

}  // namespace shim
