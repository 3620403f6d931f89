#include "loop.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "fd_watch.h"
#include "patience.h"
#include "thread_watch.h"

namespace shim {

Callback::Callback(napi_env env, napi_value function) : env_(env) {
  napi_value name;
  napi_create_string_utf8(env, "posix-ipc-shim", NAPI_AUTO_LENGTH, &name);
  napi_create_reference(env, function, 1, &function_);
  napi_async_init(env, nullptr, name, &context_);
}

Callback::~Callback() {
  napi_delete_reference(env_, function_);
  napi_async_destroy(env_, context_);
}

void Callback::Call(double first, double second) {
  napi_env env = env_;
  Napi::HandleScope scope(env);
  napi_value function, receiver, result, arguments[2];
  napi_get_reference_value(env, function_, &function);
  napi_get_global(env, &receiver);
  napi_create_double(env, first, &arguments[0]);
  napi_create_double(env, second, &arguments[1]);
  if (napi_make_callback(env, context_, receiver, function, 2, arguments, &result) == napi_pending_exception) {
    napi_value exception;
    napi_get_and_clear_last_exception(env, &exception);
    napi_fatal_exception(env, exception);
  }
}

Loop::Loop(Napi::Env env, Napi::Object exports) : env_(env) {
  napi_get_uv_event_loop(env, &uv_);
  Napi::Float64Array last = Napi::Float64Array::New(env, 1);
  lastType_ = last.Data();
  napi_create_reference(env, last, 1, &lastTypeArray_);
  exports.Set("lastType", last);
  napi_add_async_cleanup_hook(env, Shutdown, this, &cleanup_);
}

void Loop::Install(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData<Loop, Keep>(new Loop(env, exports));
}

// Made with the first watch that needs a thread.
void Loop::StartHandles() {
  if (started_) return;
  started_ = true;
  uv_async_init(uv_, &async_, [](uv_async_t* handle) { static_cast<Loop*>(handle->data)->OnFired(); });
  uv_prepare_init(uv_, &prepare_);
  uv_idle_init(uv_, &idle_);
  uv_handle_t* handles[] = {reinterpret_cast<uv_handle_t*>(&async_), reinterpret_cast<uv_handle_t*>(&prepare_),
                            reinterpret_cast<uv_handle_t*>(&idle_)};
  for (uv_handle_t* handle : handles) {
    handle->data = this;
    uv_unref(handle);
    openHandles_++;
  }
}

long Loop::Own(long descriptor) {
  if (descriptor >= 0) descriptors_.insert(static_cast<int>(descriptor));
  return descriptor;
}

int Loop::CloseDescriptor(int descriptor) {
  if (descriptors_.erase(descriptor) == 0) {
    errno = EBADF;
    return -1;
  }
  return close(descriptor);
}

uint32_t Loop::Add(FdWatch* watch) {
  uint32_t id = nextId_++;
  fds_[id] = watch;
  openHandles_++;
  return id;
}

uint32_t Loop::Add(std::unique_ptr<ThreadWatch> watch) {
  watch->id = nextId_++;
  threads_.push_back(std::move(watch));
  CountReferences();
  return threads_.back()->id;
}

FdWatch* Loop::FindFd(uint32_t id) const {
  auto found = fds_.find(id);
  return found == fds_.end() ? nullptr : found->second;
}

ThreadWatch* Loop::FindThread(uint32_t id) const {
  for (const auto& watch : threads_) {
    if (watch->id == id && !watch->closed) return watch.get();
  }
  return nullptr;
}

void Loop::Close(uint32_t id) {
  auto found = fds_.find(id);
  if (found != fds_.end()) {
    found->second->Close();
    fds_.erase(found);
  } else if (ThreadWatch* watch = FindThread(id)) {
    watch->Stop();
    watch->closed = true;
    CountReferences();
    Sweep();
  }
}

// The program stays alive as long as one referenced watch is open.
void Loop::CountReferences() {
  bool any = std::any_of(threads_.begin(), threads_.end(), [](const auto& w) { return !w->closed && w->referenced; });
  uv_handle_t* handle = reinterpret_cast<uv_handle_t*>(&async_);
  if (any) uv_ref(handle);
  else uv_unref(handle);
}

void Loop::Sweep() {
  if (depth_ > 0) return;
  threads_.erase(std::remove_if(threads_.begin(), threads_.end(), [](const auto& w) { return w->closed; }), threads_.end());
}

void Loop::Dispatch(ThreadWatch* watch) {
  depth_++;
  watch->Call();
  depth_--;
}

// Threads fired. Indices, because a callback may add watches; closed ones stay in place until Sweep.
void Loop::OnFired() {
  bool look = false;
  depth_++;
  for (size_t i = 0; i < threads_.size(); i++) {
    ThreadWatch* watch = threads_[i].get();
    if (watch->closed || !watch->TakeFired()) continue;
    Dispatch(watch);
    if (watch->closed) continue;
    if (watch->WantsLook()) watch->looking = look = true;
    else watch->Arm();
  }
  depth_--;
  Sweep();
  if (look) SetLooking(true);
}

// Before the loop would sleep: see by ourselves what comes next, for a short while (docs/design.md, "Waiting").
void Loop::Look() {
  int64_t spin = 0;
  for (const auto& watch : threads_) {
    if (watch->looking && !watch->closed) spin = std::max(spin, watch->spinNanoseconds);
  }
  int64_t end = Deadline::Now() + spin;
  bool found = false;
  depth_++;
  do {
    for (size_t i = 0; i < threads_.size(); i++) {
      ThreadWatch* watch = threads_[i].get();
      if (watch->closed || !watch->looking || !watch->Ready()) continue;
      found = true;
      watch->LookSucceeded();
      Dispatch(watch);
    }
    if (found || spin == 0) break;
    sched_yield();
  } while (Deadline::Now() < end);
  if (!found) {
    for (const auto& watch : threads_) {
      if (watch->closed || !watch->looking) continue;
      watch->looking = false;
      watch->LookFailed();
      watch->Arm();
    }
    SetLooking(false);
  }
  depth_--;
  Sweep();
}

// An idle handle keeps the loop from sleeping in poll, the prepare handle looks once per turn.
void Loop::SetLooking(bool on) {
  if (on == looking_) return;
  looking_ = on;
  if (on) {
    uv_idle_start(&idle_, [](uv_idle_t*) {});
    uv_prepare_start(&prepare_, [](uv_prepare_t* handle) { static_cast<Loop*>(handle->data)->Look(); });
  } else {
    uv_idle_stop(&idle_);
    uv_prepare_stop(&prepare_);
  }
}

void Loop::HandleClosed() {
  if (--openHandles_ == 0 && ending_) {
    napi_remove_async_cleanup_hook(cleanup_);
    delete this;
  }
}

// The environment ends: no JavaScript runs from here on.
void Loop::Shutdown(napi_async_cleanup_hook_handle, void* argument) {
  Loop* self = static_cast<Loop*>(argument);
  self->ending_ = true;
  self->openHandles_++;  // held until everything below has begun
  for (const auto& watch : self->threads_) watch->Stop();
  self->threads_.clear();
  for (const auto& entry : self->fds_) entry.second->Close();
  self->fds_.clear();
  for (int descriptor : self->descriptors_) close(descriptor);
  napi_delete_reference(self->env_, self->lastTypeArray_);
  if (self->started_) {
    uv_handle_t* handles[] = {reinterpret_cast<uv_handle_t*>(&self->async_), reinterpret_cast<uv_handle_t*>(&self->prepare_),
                              reinterpret_cast<uv_handle_t*>(&self->idle_)};
    for (uv_handle_t* handle : handles) {
      uv_close(handle, [](uv_handle_t* closed) { static_cast<Loop*>(closed->data)->HandleClosed(); });
    }
  }
  self->HandleClosed();
}

}  // namespace shim
