#include <napi.h>

#include "fd_watch.h"
#include "loop.h"
#include "posix_queue.h"
#include "process.h"
#include "shared_memory.h"
#include "sysv_queue.h"
#include "words.h"

static Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
  shim::Loop::Install(env, exports);
  shim::DefineSharedMemory(env, exports);
  shim::DefineSysvQueue(env, exports);
  shim::DefinePosixQueue(env, exports);
  shim::DefineWords(env, exports);
  shim::DefineWatches(env, exports);
  shim::DefineProcess(env, exports);
  return exports;
}

NODE_API_MODULE(posix_ipc_shim, Initialise)
