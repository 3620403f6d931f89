#pragma once
#include <napi.h>
namespace shim {
void DefinePosixQueue(Napi::Env env, Napi::Object exports);
}
