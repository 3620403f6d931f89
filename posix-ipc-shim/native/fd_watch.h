// Readiness of a descriptor that the event loop can poll: POSIX queues and eventfds.
#pragma once

#include <napi.h>
#include <uv.h>

#include "loop.h"

namespace shim {

class FdWatch {
 public:
  // Watches a duplicate of the descriptor: so the owner may close its own at any time, and may have two watches on it.
  // nullptr with a negative error number in *error.
  static FdWatch* Open(Loop* loop, int descriptor, int events, napi_value callback, int* error);
  void SetReferenced(bool on);
  void Close();  // frees the object when the loop has let go of it

 private:
  FdWatch(Loop* loop, int descriptor, napi_value callback)
      : loop_(loop), descriptor_(descriptor), callback_(std::make_shared<Callback>(loop->Env(), callback)) {}

  Loop* loop_;
  int descriptor_;
  std::shared_ptr<Callback> callback_;
  uv_poll_t poll_;
};

void DefineWatches(Napi::Env env, Napi::Object exports);

}  // namespace shim
