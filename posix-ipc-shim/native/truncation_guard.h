// Keeps a process alive when an object shrinks under its mapping.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace shim {

// One guarded address range. Slots are never freed, only reused: the signal handler walks them without a lock.
struct GuardSlot {
  std::atomic<uintptr_t> start{0};
  std::atomic<size_t> length{0};
  std::atomic<bool> truncated{false};
  GuardSlot* next = nullptr;
};

// Guards [address, address + length); the first call installs the SIGBUS handler. Length is a whole number of pages.
GuardSlot* Guard(void* address, size_t length);
void Unguard(GuardSlot* slot);

}  // namespace shim
