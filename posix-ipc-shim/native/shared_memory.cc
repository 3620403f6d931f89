// POSIX and System V shared memory.
#include "shared_memory.h"

#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "arguments.h"
#include "loop.h"
#include "region.h"

namespace shim {
namespace {

// shmOpen(name, flags, mode) -> descriptor
Napi::Value ShmOpen(const Napi::CallbackInfo& info) {
  int descriptor = shm_open(Text(info, 0).c_str(), Int(info, 1), static_cast<mode_t>(Int(info, 2)));
  return GiveOrFail(info, Loop::Of(info)->Own(descriptor));
}

// shmUnlink(name) -> 0
Napi::Value ShmUnlink(const Napi::CallbackInfo& info) { return GiveOrFail(info, shm_unlink(Text(info, 0).c_str())); }

// reserve(descriptor, size) -> 0. In pieces, because an interrupted fallocate gives back all that it got; so what cannot fit is refused first.
Napi::Value Reserve(const Napi::CallbackInfo& info) {
  constexpr int64_t kPiece = 16 << 20;
  int64_t size = static_cast<int64_t>(Number(info, 1));
  struct stat file;
  struct statvfs room;
  if (fstat(Int(info, 0), &file) != 0 || fstatvfs(Int(info, 0), &room) != 0) return Fail(info, errno);
  int64_t available = static_cast<int64_t>(room.f_bavail * room.f_bsize) + static_cast<int64_t>(file.st_blocks) * 512;
  if (room.f_blocks != 0 && size > available) return Fail(info, ENOSPC);
  for (int64_t at = 0; at < size; at += kPiece) {
    while (fallocate(Int(info, 0), 0, at, std::min(kPiece, size - at)) != 0) {
      if (errno != EINTR) return Fail(info, errno);
    }
  }
  return Give(info, 0);
}

// mapFile(descriptor, size, readOnly, offset) -> { buffer, handle }. Read-only is a private copy-on-write mapping, see docs/design.md.
Napi::Value MapFile(const Napi::CallbackInfo& info) {
  size_t size = static_cast<size_t>(Number(info, 1));
  bool readOnly = info[2].ToBoolean();
  off_t offset = info.Length() > 3 ? static_cast<off_t>(Number(info, 3)) : 0;
  int flags = readOnly ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED;
  void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, Int(info, 0), offset);
  if (address == MAP_FAILED) return Fail(info, errno);
  return (new Region(address, size, true, !readOnly))->Expose(info.Env());
}

// release(handle, buffer) -> 0. Detaches the buffer before the memory is given back.
Napi::Value Release(const Napi::CallbackInfo& info) {
  Region* region = Region::From(info, 0);
  napi_value buffer = info[1];
  void* data = nullptr;
  size_t length = 0;
  napi_get_arraybuffer_info(info.Env(), buffer, &data, &length);
  // The program may have moved the memory to another ArrayBuffer; then this one is detached already.
  if (data == region->Address()) napi_detach_arraybuffer(info.Env(), buffer);
  int error = region->Release();
  return error == 0 ? Give(info, 0) : Fail(info, error);
}

// truncated(handle) -> boolean
Napi::Value Truncated(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), Region::From(info, 0)->Truncated());
}

// shmGet(key, size, flags) -> id
Napi::Value ShmGet(const Napi::CallbackInfo& info) {
  return GiveOrFail(info, shmget(Int(info, 0), static_cast<size_t>(Number(info, 1)), Int(info, 2)));
}

// shmAttach(id, maxBytes) -> { buffer, handle }. The size is asked for while attached: then the id cannot have changed its meaning.
Napi::Value ShmAttach(const Napi::CallbackInfo& info) {
  int id = Int(info, 0);
  void* address = shmat(id, nullptr, 0);
  if (address == reinterpret_cast<void*>(-1)) return Fail(info, errno);
  struct shmid_ds status;
  int error = shmctl(id, IPC_STAT, &status) == 0 ? 0 : errno;
  if (error == 0 && static_cast<double>(status.shm_segsz) > Number(info, 1)) error = EFBIG;
  if (error != 0) {
    shmdt(address);
    return Fail(info, error);
  }
  return (new Region(address, status.shm_segsz, false, true))->Expose(info.Env());
}

// shmSnapshot(id, maxBytes) -> ArrayBuffer with a copy of the first bytes; needs read permission only.
Napi::Value ShmSnapshot(const Napi::CallbackInfo& info) {
  int id = Int(info, 0);
  void* address = shmat(id, nullptr, SHM_RDONLY);
  if (address == reinterpret_cast<void*>(-1)) return Fail(info, errno);
  struct shmid_ds status;
  int error = shmctl(id, IPC_STAT, &status) == 0 ? 0 : errno;
  Napi::Value result;
  if (error == 0) {
    size_t length = std::min(status.shm_segsz, static_cast<size_t>(Number(info, 1)));
    Napi::ArrayBuffer copy = Napi::ArrayBuffer::New(info.Env(), length);
    if (!info.Env().IsExceptionPending()) memcpy(copy.Data(), address, length);
    result = copy;
  }
  shmdt(address);
  return error == 0 ? result : Fail(info, error);
}

// shmStat(id) -> [key, mode, size, attached, creator pid, last pid, uid, gid, attach time, detach time, change time]
Napi::Value ShmStat(const Napi::CallbackInfo& info) {
  struct shmid_ds status;
  if (shmctl(Int(info, 0), IPC_STAT, &status) != 0) return Fail(info, errno);
  const double fields[] = {
      static_cast<double>(static_cast<uint32_t>(status.shm_perm.__key)), static_cast<double>(status.shm_perm.mode),
      static_cast<double>(status.shm_segsz), static_cast<double>(status.shm_nattch),
      static_cast<double>(status.shm_cpid), static_cast<double>(status.shm_lpid),
      static_cast<double>(status.shm_perm.uid), static_cast<double>(status.shm_perm.gid),
      static_cast<double>(status.shm_atime), static_cast<double>(status.shm_dtime),
      static_cast<double>(status.shm_ctime)};
  return GiveList(info, fields, sizeof(fields) / sizeof(fields[0]));
}

// shmRemove(id) -> 0
Napi::Value ShmRemove(const Napi::CallbackInfo& info) { return GiveOrFail(info, shmctl(Int(info, 0), IPC_RMID, nullptr)); }

// shmSetMode(id, mode) -> 0
Napi::Value ShmSetMode(const Napi::CallbackInfo& info) {
  struct shmid_ds status;
  if (shmctl(Int(info, 0), IPC_STAT, &status) != 0) return Fail(info, errno);
  status.shm_perm.mode = static_cast<unsigned short>(Int(info, 1));
  return GiveOrFail(info, shmctl(Int(info, 0), IPC_SET, &status));
}

}  // namespace

void DefineSharedMemory(Napi::Env env, Napi::Object exports) {
  exports.Set("shmOpen", Napi::Function::New<ShmOpen>(env));
  exports.Set("shmUnlink", Napi::Function::New<ShmUnlink>(env));
  exports.Set("reserve", Napi::Function::New<Reserve>(env));
  exports.Set("mapFile", Napi::Function::New<MapFile>(env));
  exports.Set("release", Napi::Function::New<Release>(env));
  exports.Set("truncated", Napi::Function::New<Truncated>(env));
  exports.Set("shmGet", Napi::Function::New<ShmGet>(env));
  exports.Set("shmAttach", Napi::Function::New<ShmAttach>(env));
  exports.Set("shmSnapshot", Napi::Function::New<ShmSnapshot>(env));
  exports.Set("shmStat", Napi::Function::New<ShmStat>(env));
  exports.Set("shmRemove", Napi::Function::New<ShmRemove>(env));
  exports.Set("shmSetMode", Napi::Function::New<ShmSetMode>(env));
}

}  // namespace shim
