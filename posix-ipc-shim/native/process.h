#pragma once
#include <napi.h>
namespace shim {
void DefineProcess(Napi::Env env, Napi::Object exports);
}
