#pragma once
#include <napi.h>
namespace shim {
void DefineSharedMemory(Napi::Env env, Napi::Object exports);
}
