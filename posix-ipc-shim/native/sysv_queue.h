#pragma once
#include <napi.h>
namespace shim {
void DefineSysvQueue(Napi::Env env, Napi::Object exports);
}
