#include "truncation_guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

namespace shim {
namespace {

std::atomic<GuardSlot*> slots{nullptr};
std::mutex editing;  // of the list, never held by the handler
struct sigaction previous;
size_t pageSize;

// Puts empty pages from the faulting one to the end of the range, so that the access is repeated and succeeds.
bool Mend(uintptr_t address) {
  for (GuardSlot* slot = slots.load(std::memory_order_acquire); slot != nullptr; slot = slot->next) {
    uintptr_t start = slot->start.load(std::memory_order_acquire);
    size_t length = slot->length.load(std::memory_order_acquire);
    if (start == 0 || address < start || address >= start + length) continue;
    uintptr_t page = address & ~(pageSize - 1);
    void* mended = mmap(reinterpret_cast<void*>(page), start + length - page, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    if (mended == MAP_FAILED) return false;
    slot->truncated.store(true, std::memory_order_release);
    return true;
  }
  return false;
}

void OnBusError(int signal, siginfo_t* info, void* context) {
  int saved = errno;
  if (info->si_code == BUS_ADRERR && Mend(reinterpret_cast<uintptr_t>(info->si_addr))) {
    errno = saved;
    return;
  }
  if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    // Not ours: with the default action back, the repeated access (or the signal raised again) ends the process as it would have.
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    sigaction(SIGBUS, &standard, nullptr);
    if (info->si_code <= 0) raise(SIGBUS);
  }
  errno = saved;
}

void Install() {
  pageSize = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  struct sigaction action = {};
  action.sa_sigaction = OnBusError;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &previous);
}

}  // namespace

GuardSlot* Guard(void* address, size_t length) {
  std::lock_guard<std::mutex> lock(editing);
  static bool installed = (Install(), true);
  (void)installed;
  GuardSlot* slot = slots.load(std::memory_order_relaxed);
  while (slot != nullptr && slot->start.load(std::memory_order_relaxed) != 0) slot = slot->next;
  bool fresh = slot == nullptr;
  if (fresh) slot = new GuardSlot();
  slot->truncated.store(false, std::memory_order_relaxed);
  slot->length.store(length, std::memory_order_release);
  slot->start.store(reinterpret_cast<uintptr_t>(address), std::memory_order_release);
  if (fresh) {
    slot->next = slots.load(std::memory_order_relaxed);
    slots.store(slot, std::memory_order_release);
  }
  return slot;
}

void Unguard(GuardSlot* slot) {
  std::lock_guard<std::mutex> lock(editing);
  slot->start.store(0, std::memory_order_release);
}

}  // namespace shim
