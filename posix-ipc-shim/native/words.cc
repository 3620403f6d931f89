// Waiting on 32-bit words in shared memory (futex).
#include "words.h"

#include <sched.h>

#include "arguments.h"
#include "futex.h"
#include "loop.h"
#include "patience.h"
#include "region.h"
#include "thread_watch.h"

namespace shim {
namespace {

class WordWatch : public ThreadWatch {
 public:
  WordWatch(Loop* loop, Region* region, uint32_t* word, uint32_t seen, double spinMicroseconds, napi_value callback)
      : ThreadWatch(loop, callback, spinMicroseconds), region_(region), word_(word), seen_(seen) {
    region_->Ref();  // keeps the address valid, whatever happens to the ArrayBuffer
  }
  ~WordWatch() override {
    Stop();
    region_->Unref();
  }

  bool Ready() override { return LoadWord(word_) != seen_.load(); }
  double Argument() override {
    seen_.store(LoadWord(word_));
    return seen_.load();
  }

 protected:
  void Block() override {
    while (!Ready()) {
      uint32_t seen = seen_.load();
      Cancellable([this, seen] { return FutexWait(word_, seen, nullptr, true); });
    }
  }

 private:
  Region* region_;
  uint32_t* word_;
  std::atomic<uint32_t> seen_;
};

// wordWait(handle, offset, expected, milliseconds, spin microseconds) -> 0 when the word differs or was woken; ETIMEDOUT
Napi::Value WordWait(const Napi::CallbackInfo& info) {
  uint32_t* word = Region::From(info, 0)->Word(Number(info, 1));
  if (word == nullptr) return Fail(info, errno);
  uint32_t expected = static_cast<uint32_t>(static_cast<int64_t>(Number(info, 2)));
  Deadline deadline(Number(info, 3));
  int64_t spin = static_cast<int64_t>(Number(info, 4) * 1000);
  if (spin > 0) {
    int64_t end = Deadline::Now() + spin;
    do {
      if (LoadWord(word) != expected) return Give(info, 0);
      sched_yield();
    } while (Deadline::Now() < end);
  }
  for (;;) {
    if (LoadWord(word) != expected) return Give(info, 0);
    timespec limit = Deadline::Spec(deadline.Left());
    if (FutexWait(word, expected, &limit, true) == 0 || errno == EAGAIN) return Give(info, 0);
    if (errno != EINTR) return Fail(info, errno);
  }
}

// wordWake(handle, offset, count) -> number of waiters woken
Napi::Value WordWake(const Napi::CallbackInfo& info) {
  uint32_t* word = Region::From(info, 0)->Word(Number(info, 1));
  if (word == nullptr) return Fail(info, errno);
  return GiveOrFail(info, FutexWake(word, Int(info, 2), true));
}

// watchWord(handle, offset, value seen last, spin microseconds, callback(0, value)) -> watch id
Napi::Value WatchWord(const Napi::CallbackInfo& info) {
  Loop* loop = Loop::Of(info);
  Region* region = Region::From(info, 0);
  uint32_t* word = region->Word(Number(info, 1));
  if (word == nullptr) return Fail(info, errno);
  loop->StartHandles();
  uint32_t seen = static_cast<uint32_t>(static_cast<int64_t>(Number(info, 2)));
  std::unique_ptr<ThreadWatch> watch(new WordWatch(loop, region, word, seen, Number(info, 3), info[4]));
  int error = watch->Start();
  return error != 0 ? Fail(info, error) : Give(info, loop->Add(std::move(watch)));
}

}  // namespace

void DefineWords(Napi::Env env, Napi::Object exports) {
  exports.Set("wordWait", Napi::Function::New<WordWait>(env));
  exports.Set("wordWake", Napi::Function::New<WordWake>(env));
  exports.Set("watchWord", Napi::Function::New<WatchWord>(env));
}

}  // namespace shim
