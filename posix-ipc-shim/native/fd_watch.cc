#include "fd_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include "arguments.h"
#include "thread_watch.h"

namespace shim {

FdWatch* FdWatch::Open(Loop* loop, int descriptor, int events, napi_value callback, int* error) {
  int duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) {
    *error = -errno;
    return nullptr;
  }
  FdWatch* watch = new FdWatch(loop, duplicate, callback);
  *error = uv_poll_init(loop->Uv(), &watch->poll_, duplicate);
  if (*error != 0) {
    close(duplicate);
    delete watch;
    return nullptr;
  }
  watch->poll_.data = watch;
  uv_poll_start(&watch->poll_, events, [](uv_poll_t* handle, int status, int happened) {
    // Held for the call, because a watch may be closed by its own callback.
    std::shared_ptr<Callback> callback = static_cast<FdWatch*>(handle->data)->callback_;
    callback->Call(status, happened);
  });
  return watch;
}

void FdWatch::SetReferenced(bool on) {
  uv_handle_t* handle = reinterpret_cast<uv_handle_t*>(&poll_);
  if (on) uv_ref(handle);
  else uv_unref(handle);
}

void FdWatch::Close() {
  uv_poll_stop(&poll_);
  close(descriptor_);
  // Given back now: the close is reported when an ending environment is gone already.
  callback_.reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    FdWatch* watch = static_cast<FdWatch*>(handle->data);
    Loop* loop = watch->loop_;
    delete watch;
    loop->HandleClosed();
  });
}

namespace {

// watchFd(descriptor, events, callback(status, events)) -> watch id. Events: 1 readable, 2 writable.
Napi::Value WatchFd(const Napi::CallbackInfo& info) {
  Loop* loop = Loop::Of(info);
  int error = 0;
  FdWatch* watch = FdWatch::Open(loop, Int(info, 0), Int(info, 1), info[2], &error);
  return Give(info, watch == nullptr ? error : static_cast<double>(loop->Add(watch)));
}

// referenceWatch(watch id, boolean): whether it keeps the program alive.
Napi::Value ReferenceWatch(const Napi::CallbackInfo& info) {
  Loop* loop = Loop::Of(info);
  uint32_t id = static_cast<uint32_t>(Int(info, 0));
  bool on = info[1].ToBoolean();
  if (FdWatch* watch = loop->FindFd(id)) watch->SetReferenced(on);
  if (ThreadWatch* watch = loop->FindThread(id)) {
    watch->referenced = on;
    loop->CountReferences();
  }
  return Give(info, 0);
}

// closeWatch(watch id): an unknown id is one that was closed before.
Napi::Value CloseWatch(const Napi::CallbackInfo& info) {
  Loop::Of(info)->Close(static_cast<uint32_t>(Int(info, 0)));
  return Give(info, 0);
}

}  // namespace

void DefineWatches(Napi::Env env, Napi::Object exports) {
  exports.Set("watchFd", Napi::Function::New<WatchFd>(env));
  exports.Set("referenceWatch", Napi::Function::New<ReferenceWatch>(env));
  exports.Set("closeWatch", Napi::Function::New<CloseWatch>(env));
}

}  // namespace shim
