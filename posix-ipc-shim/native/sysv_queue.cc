// System V message queues.
#include "sysv_queue.h"

#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "arguments.h"
#include "futex.h"
#include "loop.h"
#include "patience.h"
#include "thread_watch.h"

namespace shim {
namespace {

constexpr size_t kOnStack = 8192;
constexpr int64_t kYieldNanoseconds = 50000;
constexpr int64_t kFirstPause = 20000;
constexpr int64_t kLongestPause = 1000000;

// The kernel wants the type in front of the text. Small messages take no heap.
class Message {
 public:
  explicit Message(size_t length) {
    if (length > kOnStack) heap_.reset(new char[sizeof(long) + length]);
  }
  long* Type() { return reinterpret_cast<long*>(heap_ ? heap_.get() : stack_); }
  char* Body() { return reinterpret_cast<char*>(Type() + 1); }

 private:
  std::unique_ptr<char[]> heap_;
  alignas(long) char stack_[sizeof(long) + kOnStack];
};

// Asks for a message with no room for it: E2BIG says that one is there, and it stays there. A message without content does fit;
// its type is then the result (> 0). 0: there is something to receive, or an error which receiving will show. -1: nothing (or interrupted).
long Peek(int id, long type, int flags) {
  long taken = 0;
  if (msgrcv(id, &taken, 0, type, flags) == 0) return taken;
  return errno == ENOMSG || errno == EINTR ? -1 : 0;
}

long Receive(Loop* loop, int id, long type, Bytes into, int flags) {
  Message message(into.length);
  ssize_t length = msgrcv(id, message.Type(), into.length, type, flags);
  if (length < 0) return -1;
  memcpy(into.data, message.Body(), static_cast<size_t>(length));
  loop->SetLastType(static_cast<double>(*message.Type()));
  return length;
}

// Waits in a thread of its own for one queue, with a time limit that msgrcv lacks.
class PatientPeek {
 public:
  PatientPeek(int id, long type) : id_(id), type_(type) {}

  // As Peek: the type of an empty message that was taken, 0 for something to receive, -1 for nothing in time, -2 with errno.
  long Wait(const Deadline& deadline) {
    pthread_t thread;
    int error = StartWaiter(&thread, Body, this);
    if (error != 0) {
      errno = error;
      return -2;
    }
    while (done_.load(std::memory_order_acquire) == 0) {
      int64_t left = deadline.Left();
      if (left == 0) break;
      timespec limit = Deadline::Spec(left);
      FutexWait(&done_, 0, &limit, false);
    }
    pthread_cancel(thread);
    pthread_join(thread, nullptr);
    return done_.load(std::memory_order_acquire) == 0 ? -1 : result_;
  }

 private:
  static void* Body(void* argument) {
    PatientPeek* self = static_cast<PatientPeek*>(argument);
    BecomeWaiter();
    do {
      self->result_ = Cancellable([self] { return Peek(self->id_, self->type_, 0); });
    } while (self->result_ < 0);
    self->done_.store(1, std::memory_order_release);
    FutexWake(&self->done_, 1, false);
    return nullptr;
  }

  int id_;
  long type_;
  long result_ = -1;
  std::atomic<uint32_t> done_{0};
};

class QueueWatch : public ThreadWatch {
 public:
  QueueWatch(Loop* loop, int id, long type, double spinMicroseconds, napi_value callback)
      : ThreadWatch(loop, callback, spinMicroseconds), queue_(id), type_(type) {}
  ~QueueWatch() override { Stop(); }

  bool Ready() override { return Note(Peek(queue_, type_, IPC_NOWAIT)); }
  double Argument() override { return static_cast<double>(emptyType_.exchange(0)); }

 protected:
  void Block() override {
    long result;
    do {
      result = Cancellable([this] { return Peek(queue_, type_, 0); });
    } while (!Note(result));
  }

 private:
  bool Note(long peeked) {
    if (peeked > 0) emptyType_.store(peeked);
    return peeked >= 0;
  }

  int queue_;
  long type_;
  std::atomic<long> emptyType_{0};  // of a message without content, which looking has taken
};

// msgGet(key, flags) -> id
Napi::Value MsgGet(const Napi::CallbackInfo& info) { return GiveOrFail(info, msgget(Int(info, 0), Int(info, 1))); }

// msgSend(id, type, bytes, milliseconds) -> 0. A limit of 0 does not wait (EAGAIN); ETIMEDOUT otherwise.
Napi::Value MsgSend(const Napi::CallbackInfo& info) {
  Bytes bytes = View(info, 2);
  double milliseconds = Number(info, 3);
  Message message(bytes.length);
  *message.Type() = static_cast<long>(Number(info, 1));
  if (bytes.length > 0) memcpy(message.Body(), bytes.data, bytes.length);
  int64_t pause = kFirstPause;
  Deadline deadline(milliseconds);
  while (msgsnd(Int(info, 0), message.Type(), bytes.length, IPC_NOWAIT) != 0) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN || milliseconds == 0) return Fail(info, errno);
    int64_t left = deadline.Left();
    if (left == 0) return Fail(info, ETIMEDOUT);
    timespec limit = Deadline::Spec(std::min(pause, left));
    nanosleep(&limit, nullptr);
    pause = std::min(pause * 2, kLongestPause);
  }
  return Give(info, 0);
}

// msgReceive(id, wanted type, buffer, milliseconds) -> length. A limit of 0 does not wait (ENOMSG); ETIMEDOUT otherwise.
Napi::Value MsgReceive(const Napi::CallbackInfo& info) {
  Loop* loop = Loop::Of(info);
  int id = Int(info, 0);
  long type = static_cast<long>(Number(info, 1));
  Bytes into = View(info, 2);
  double milliseconds = Number(info, 3);
  long length = Receive(loop, id, type, into, IPC_NOWAIT);
  if (length >= 0 || milliseconds == 0 || errno != ENOMSG) return GiveOrFail(info, length);
  Deadline deadline(milliseconds);
  int64_t yieldUntil = Deadline::Now() + kYieldNanoseconds;
  for (;;) {
    sched_yield();
    length = Receive(loop, id, type, into, IPC_NOWAIT);
    if (length >= 0 || (errno != ENOMSG && errno != EINTR)) return GiveOrFail(info, length);
    if (deadline.Left() == 0) return Fail(info, ETIMEDOUT);
    if (Deadline::Now() < yieldUntil) continue;
    long peeked = PatientPeek(id, type).Wait(deadline);
    if (peeked == -2) return Fail(info, errno);
    if (peeked > 0) {
      loop->SetLastType(static_cast<double>(peeked));
      return Give(info, 0);
    }
  }
}

// watchQueue(id, wanted type, spin microseconds, callback(0, type of an empty message or 0)) -> watch id
Napi::Value WatchQueue(const Napi::CallbackInfo& info) {
  Loop* loop = Loop::Of(info);
  loop->StartHandles();
  std::unique_ptr<ThreadWatch> watch(
      new QueueWatch(loop, Int(info, 0), static_cast<long>(Number(info, 1)), Number(info, 2), info[3]));
  int error = watch->Start();
  return error != 0 ? Fail(info, error) : Give(info, loop->Add(std::move(watch)));
}

// msgStat(id) -> [key, mode, messages, bytes, limit of bytes, last sender, last receiver, uid, gid, send time, receive time, change time]
Napi::Value MsgStat(const Napi::CallbackInfo& info) {
  struct msqid_ds status;
  if (msgctl(Int(info, 0), IPC_STAT, &status) != 0) return Fail(info, errno);
  const double fields[] = {
      static_cast<double>(static_cast<uint32_t>(status.msg_perm.__key)), static_cast<double>(status.msg_perm.mode),
      static_cast<double>(status.msg_qnum), static_cast<double>(status.__msg_cbytes),
      static_cast<double>(status.msg_qbytes), static_cast<double>(status.msg_lspid),
      static_cast<double>(status.msg_lrpid), static_cast<double>(status.msg_perm.uid),
      static_cast<double>(status.msg_perm.gid), static_cast<double>(status.msg_stime),
      static_cast<double>(status.msg_rtime), static_cast<double>(status.msg_ctime)};
  return GiveList(info, fields, sizeof(fields) / sizeof(fields[0]));
}

// msgRemove(id) -> 0
Napi::Value MsgRemove(const Napi::CallbackInfo& info) { return GiveOrFail(info, msgctl(Int(info, 0), IPC_RMID, nullptr)); }

// msgSet(id, mode, limit of bytes) -> 0; a negative value leaves that one as it is.
Napi::Value MsgSet(const Napi::CallbackInfo& info) {
  struct msqid_ds status;
  if (msgctl(Int(info, 0), IPC_STAT, &status) != 0) return Fail(info, errno);
  if (Int(info, 1) >= 0) status.msg_perm.mode = static_cast<unsigned short>(Int(info, 1));
  if (Number(info, 2) >= 0) status.msg_qbytes = static_cast<msglen_t>(Number(info, 2));
  return GiveOrFail(info, msgctl(Int(info, 0), IPC_SET, &status));
}

}  // namespace

void DefineSysvQueue(Napi::Env env, Napi::Object exports) {
  exports.Set("msgGet", Napi::Function::New<MsgGet>(env));
  exports.Set("msgSend", Napi::Function::New<MsgSend>(env));
  exports.Set("msgReceive", Napi::Function::New<MsgReceive>(env));
  exports.Set("watchQueue", Napi::Function::New<WatchQueue>(env));
  exports.Set("msgStat", Napi::Function::New<MsgStat>(env));
  exports.Set("msgRemove", Napi::Function::New<MsgRemove>(env));
  exports.Set("msgSet", Napi::Function::New<MsgSet>(env));
}

}  // namespace shim
