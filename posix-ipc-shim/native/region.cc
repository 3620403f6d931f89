#include "region.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace shim {

Region::Region(void* address, size_t size, bool guarded, bool writable)
    : address_(address), size_(size), writable_(writable) {
  size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  mapped_ = (size + page - 1) / page * page;
  if (guarded) slot_ = Guard(address, mapped_);
}

Region::~Region() {
  if (slot_ != nullptr) Unguard(slot_);
  munmap(address_, mapped_);
}

void Region::Unref() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

int Region::Release() {
  if (released_) return 0;
  void* swapped = mmap(address_, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  if (swapped == MAP_FAILED) return errno;
  released_ = true;
  return 0;
}

uint32_t* Region::Word(double offset) const {
  if (released_) {
    errno = EBADF;
  } else if (!writable_) {
    errno = EACCES;
  } else if (!(offset >= 0) || offset + 4 > static_cast<double>(size_) || static_cast<uint64_t>(offset) % 4 != 0) {
    errno = EINVAL;
  } else {
    return reinterpret_cast<uint32_t*>(static_cast<uint8_t*>(address_) + static_cast<uint64_t>(offset));
  }
  return nullptr;
}

static void DropReference(napi_env, void*, void* hint) { static_cast<Region*>(hint)->Unref(); }

Napi::Value Region::Expose(Napi::Env env) {
  Napi::Object result = Napi::Object::New(env);
  napi_value buffer, handle;
  Ref();
  if (napi_create_external_arraybuffer(env, address_, size_, DropReference, this, &buffer) != napi_ok) {
    // Engines with a memory cage refuse external buffers, and their finalizer is not called.
    Unref();
    Unref();
    return Napi::Number::New(env, -ENOTSUP);
  }
  if (napi_create_external(env, this, DropReference, this, &handle) != napi_ok) {  // takes over the caller's reference
    Unref();
    return Napi::Number::New(env, -ENOMEM);
  }
  result.Set("buffer", Napi::Value(env, buffer));
  result.Set("handle", Napi::Value(env, handle));
  return result;
}

Region* Region::From(const Napi::CallbackInfo& info, size_t index) {
  void* region = nullptr;
  napi_get_value_external(info.Env(), info[index], &region);
  return static_cast<Region*>(region);
}

}  // namespace shim
