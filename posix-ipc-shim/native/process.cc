// Small calls around processes: eventfd, advisory locks, death of the parent.
#include "process.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "arguments.h"
#include "loop.h"
#include "patience.h"

namespace shim {
namespace {

// eventOpen(initial count) -> descriptor
Napi::Value EventOpen(const Napi::CallbackInfo& info) {
  return GiveOrFail(info, Loop::Of(info)->Own(eventfd(static_cast<unsigned>(Number(info, 0)), EFD_NONBLOCK | EFD_CLOEXEC)));
}

// eventAdopt(descriptor) -> descriptor, which is non-blocking from now on
Napi::Value EventAdopt(const Napi::CallbackInfo& info) {
  int descriptor = Int(info, 0);
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0) return Fail(info, errno);
  return Give(info, Loop::Of(info)->Own(descriptor));
}

// closeDescriptor(descriptor) -> 0: one that was opened by this binding
Napi::Value CloseDescriptor(const Napi::CallbackInfo& info) {
  return GiveOrFail(info, Loop::Of(info)->CloseDescriptor(Int(info, 0)));
}

// eventSignal(descriptor, count) -> 0; EAGAIN when the counter is full
Napi::Value EventSignal(const Napi::CallbackInfo& info) {
  uint64_t count = static_cast<uint64_t>(Number(info, 1));
  ssize_t written;
  do {
    written = write(Int(info, 0), &count, sizeof(count));
  } while (written < 0 && errno == EINTR);
  return GiveOrFail(info, written < 0 ? -1 : 0);
}

// eventTake(descriptor, milliseconds) -> count since the last take. A limit of 0 does not wait (EAGAIN); ETIMEDOUT otherwise.
Napi::Value EventTake(const Napi::CallbackInfo& info) {
  int descriptor = Int(info, 0);
  double milliseconds = Number(info, 1);
  Deadline deadline(milliseconds);
  uint64_t count = 0;
  while (read(descriptor, &count, sizeof(count)) < 0) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN || milliseconds == 0 || !WaitFor(descriptor, POLLIN, deadline)) return Fail(info, errno);
  }
  return Give(info, static_cast<double>(count));
}

// lockFile(descriptor) -> 0: exclusive, without waiting (EWOULDBLOCK). It ends with the last copy of the descriptor.
Napi::Value LockFile(const Napi::CallbackInfo& info) { return GiveOrFail(info, flock(Int(info, 0), LOCK_EX | LOCK_NB)); }

// setParentDeathSignal(signal) -> 0; signal 0 switches it off
Napi::Value SetParentDeathSignal(const Napi::CallbackInfo& info) {
  return GiveOrFail(info, prctl(PR_SET_PDEATHSIG, static_cast<unsigned long>(Int(info, 0)), 0, 0, 0));
}

// parentDeathSignal() -> signal or 0
Napi::Value ParentDeathSignal(const Napi::CallbackInfo& info) {
  int signal = 0;
  return prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0) != 0 ? Fail(info, errno) : Give(info, signal);
}

}  // namespace

void DefineProcess(Napi::Env env, Napi::Object exports) {
  exports.Set("eventOpen", Napi::Function::New<EventOpen>(env));
  exports.Set("eventAdopt", Napi::Function::New<EventAdopt>(env));
  exports.Set("closeDescriptor", Napi::Function::New<CloseDescriptor>(env));
  exports.Set("eventSignal", Napi::Function::New<EventSignal>(env));
  exports.Set("eventTake", Napi::Function::New<EventTake>(env));
  exports.Set("lockFile", Napi::Function::New<LockFile>(env));
  exports.Set("setParentDeathSignal", Napi::Function::New<SetParentDeathSignal>(env));
  exports.Set("parentDeathSignal", Napi::Function::New<ParentDeathSignal>(env));
}

}  // namespace shim
