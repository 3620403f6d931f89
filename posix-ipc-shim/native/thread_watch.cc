#include "thread_watch.h"

#include <signal.h>

#include "futex.h"

namespace shim {
namespace {
constexpr size_t kStack = 256 * 1024;
constexpr int kMaxFailedLooks = 6;
}  // namespace

int StartWaiter(pthread_t* thread, void* (*body)(void*), void* argument) {
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, SIGBUS);
  sigdelset(&all, SIGSEGV);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStack);
  int error = pthread_create(thread, &attributes, body, argument);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error;
}

void BecomeWaiter() {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
}

ThreadWatch::ThreadWatch(Loop* loop, napi_value callback, double spinMicroseconds)
    : spinNanoseconds(static_cast<int64_t>(spinMicroseconds * 1000)), loop_(loop), callback_(loop->Env(), callback) {}

ThreadWatch::~ThreadWatch() { Stop(); }

int ThreadWatch::Start() {
  armed_.store(1);
  int error = StartWaiter(&thread_, Body, this);
  running_ = error == 0;
  return error;
}

void ThreadWatch::Stop() {
  if (!running_) return;
  running_ = false;
  pthread_cancel(thread_);
  pthread_join(thread_, nullptr);
}

void ThreadWatch::Arm() {
  if (armed_.exchange(1, std::memory_order_acq_rel) == 0) FutexWake(&armed_, 1, false);
}

void ThreadWatch::LookFailed() {
  if (failedLooks_ < kMaxFailedLooks) failedLooks_++;
  skippedLooks_ = (1 << failedLooks_) - 1;
}

bool ThreadWatch::WantsLook() {
  if (spinNanoseconds == 0) return false;
  if (skippedLooks_ == 0) return true;
  skippedLooks_--;
  return false;
}

void* ThreadWatch::Body(void* argument) {
  ThreadWatch* self = static_cast<ThreadWatch*>(argument);
  BecomeWaiter();
  for (;;) {
    while (self->armed_.load(std::memory_order_acquire) == 0) {
      Cancellable([self] { return FutexWait(&self->armed_, 0, nullptr, false); });
    }
    self->Block();
    self->armed_.store(0, std::memory_order_release);
    self->fired_.store(true, std::memory_order_release);
    self->loop_->Wake();
  }
}

}  // namespace shim
