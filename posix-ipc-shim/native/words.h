#pragma once
#include <napi.h>
namespace shim {
void DefineWords(Napi::Env env, Napi::Object exports);
}
