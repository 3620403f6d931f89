// One mapping of shared memory, and the rules of docs/design.md about when its addresses may go away.
#pragma once

#include <napi.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "truncation_guard.h"

namespace shim {

class Region {
 public:
  // Takes over a mapping of `size` bytes (rounded up to pages in the address space). The caller holds the first reference.
  // `guarded`: the object may shrink. `writable`: words in it are shared with others, so one can wait on them.
  Region(void* address, size_t size, bool guarded, bool writable);

  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref();

  // Lets go of the shared object; the addresses stay valid and read as zeros. 0 or an error number; a second call does nothing.
  int Release();

  // The 32-bit word at a byte offset, or nullptr (with errno set) if it is not aligned, outside, private or released.
  uint32_t* Word(double offset) const;
  bool Truncated() const { return slot_ != nullptr && slot_->truncated.load(std::memory_order_acquire); }

  // { buffer, handle }: the ArrayBuffer over the mapping and the key by which release() and futexes find the region.
  // Gives up the caller's reference.
  Napi::Value Expose(Napi::Env env);
  static Region* From(const Napi::CallbackInfo& info, size_t index);

  void* Address() const { return address_; }

 private:
  ~Region();

  void* address_;
  size_t size_;
  size_t mapped_;
  bool writable_;
  bool released_ = false;
  GuardSlot* slot_ = nullptr;
  std::atomic<int> references_{1};
};

}  // namespace shim
