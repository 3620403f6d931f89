// POSIX message queues. A descriptor is always opened non-blocking: waiting is done in poll, here or in the event loop.
#include "posix_queue.h"

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>

#include "arguments.h"
#include "loop.h"
#include "patience.h"

namespace shim {
namespace {

// mqOpen(name, flags, mode, messages, message size) -> descriptor
Napi::Value MqOpen(const Napi::CallbackInfo& info) {
  mq_attr attributes = {};
  attributes.mq_maxmsg = static_cast<long>(Number(info, 3));
  attributes.mq_msgsize = static_cast<long>(Number(info, 4));
  mqd_t queue = mq_open(Text(info, 0).c_str(), Int(info, 1) | O_NONBLOCK | O_CLOEXEC, static_cast<mode_t>(Int(info, 2)), &attributes);
  return GiveOrFail(info, Loop::Of(info)->Own(queue));
}

// mqUnlink(name) -> 0
Napi::Value MqUnlink(const Napi::CallbackInfo& info) { return GiveOrFail(info, mq_unlink(Text(info, 0).c_str())); }

// mqAttributes(descriptor) -> [messages at most, message size, messages now]
Napi::Value MqAttributes(const Napi::CallbackInfo& info) {
  mq_attr attributes;
  if (mq_getattr(Int(info, 0), &attributes) != 0) return Fail(info, errno);
  const double fields[] = {static_cast<double>(attributes.mq_maxmsg), static_cast<double>(attributes.mq_msgsize),
                           static_cast<double>(attributes.mq_curmsgs)};
  return GiveList(info, fields, 3);
}

// mqSend(descriptor, bytes, priority, milliseconds) -> 0. A limit of 0 does not wait (EAGAIN); ETIMEDOUT otherwise.
Napi::Value MqSend(const Napi::CallbackInfo& info) {
  int queue = Int(info, 0);
  Bytes bytes = View(info, 1);
  unsigned priority = static_cast<unsigned>(Int(info, 2));
  double milliseconds = Number(info, 3);
  Deadline deadline(milliseconds);
  while (mq_send(queue, reinterpret_cast<char*>(bytes.data), bytes.length, priority) != 0) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN || milliseconds == 0 || !WaitFor(queue, POLLOUT, deadline)) return Fail(info, errno);
  }
  return Give(info, 0);
}

// mqReceive(descriptor, buffer, milliseconds) -> length. A limit of 0 does not wait (EAGAIN); ETIMEDOUT otherwise.
Napi::Value MqReceive(const Napi::CallbackInfo& info) {
  int queue = Int(info, 0);
  Bytes into = View(info, 1);
  double milliseconds = Number(info, 2);
  Deadline deadline(milliseconds);
  for (;;) {
    unsigned priority;
    ssize_t length = mq_receive(queue, reinterpret_cast<char*>(into.data), into.length, &priority);
    if (length >= 0) {
      Loop::Of(info)->SetLastType(priority);
      return Give(info, static_cast<double>(length));
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN || milliseconds == 0 || !WaitFor(queue, POLLIN, deadline)) return Fail(info, errno);
  }
}

}  // namespace

void DefinePosixQueue(Napi::Env env, Napi::Object exports) {
  exports.Set("mqOpen", Napi::Function::New<MqOpen>(env));
  exports.Set("mqUnlink", Napi::Function::New<MqUnlink>(env));
  exports.Set("mqAttributes", Napi::Function::New<MqAttributes>(env));
  exports.Set("mqSend", Napi::Function::New<MqSend>(env));
  exports.Set("mqReceive", Napi::Function::New<MqReceive>(env));
}

}  // namespace shim
