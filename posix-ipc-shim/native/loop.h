// What the addon keeps per environment (main thread or worker_thread): the watches, and their link to the event loop.
#pragma once

#include <napi.h>
#include <uv.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace shim {

class FdWatch;
class ThreadWatch;

// A JavaScript function called from the event loop, with its own async context.
class Callback {
 public:
  Callback(napi_env env, napi_value function);
  ~Callback();
  // What the function throws becomes an uncaught exception, as from any other event.
  void Call(double first, double second);

 private:
  napi_env env_;
  napi_ref function_ = nullptr;
  napi_async_context context_ = nullptr;
};

class Loop {
 public:
  static void Install(Napi::Env env, Napi::Object exports);
  static Loop* Of(const Napi::CallbackInfo& info) { return info.Env().GetInstanceData<Loop>(); }

  uv_loop_t* Uv() const { return uv_; }
  napi_env Env() const { return env_; }
  // Where receiving calls leave the type (System V) or priority (POSIX) of the last message: a Float64Array of one element.
  void SetLastType(double type) { *lastType_ = type; }

  // Descriptors opened here: what JavaScript has not closed is closed at the end of the environment (of a worker thread, for example).
  long Own(long descriptor);
  int CloseDescriptor(int descriptor);

  // The handles that waiting threads need; they never keep the program alive by themselves.
  void StartHandles();
  uint32_t Add(FdWatch* watch);
  uint32_t Add(std::unique_ptr<ThreadWatch> watch);
  FdWatch* FindFd(uint32_t id) const;
  ThreadWatch* FindThread(uint32_t id) const;
  void Close(uint32_t id);

  // From a waiting thread: has the loop look at the watches that fired.
  void Wake() { uv_async_send(&async_); }
  // A closed handle calls this; the last one of an ending environment frees the Loop.
  void HandleClosed();
  void CountReferences();

 private:
  Loop(Napi::Env env, Napi::Object exports);
  static void Keep(Napi::Env, Loop*) {}  // freed in HandleClosed, after the environment's instance data
  static void Shutdown(napi_async_cleanup_hook_handle handle, void* self);
  void OnFired();
  void Look();
  void Dispatch(ThreadWatch* watch);
  void Sweep();
  void SetLooking(bool on);

  napi_env env_;
  uv_loop_t* uv_ = nullptr;
  double* lastType_ = nullptr;
  napi_ref lastTypeArray_ = nullptr;
  napi_async_cleanup_hook_handle cleanup_ = nullptr;
  uint32_t nextId_ = 1;
  std::unordered_set<int> descriptors_;
  std::unordered_map<uint32_t, FdWatch*> fds_;
  std::vector<std::unique_ptr<ThreadWatch>> threads_;
  uv_async_t async_;
  uv_prepare_t prepare_;
  uv_idle_t idle_;
  bool started_ = false;
  bool looking_ = false;
  bool ending_ = false;
  int depth_ = 0;        // of Dispatch: while > 0, closed watches are kept
  int openHandles_ = 0;  // libuv handles that must report their close before the Loop may go
};

}  // namespace shim
