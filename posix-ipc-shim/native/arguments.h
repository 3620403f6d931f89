// Reading arguments and giving results. The TypeScript side checks types and ranges, so here a wrong type is a bug of this package and not of a user.
#pragma once

#include <napi.h>

#include <cerrno>
#include <cstdint>
#include <string>

namespace shim {

struct Bytes {
  uint8_t* data;
  size_t length;
};

inline int32_t Int(const Napi::CallbackInfo& info, size_t index) {
  int32_t value = 0;
  napi_get_value_int32(info.Env(), info[index], &value);
  return value;
}

inline double Number(const Napi::CallbackInfo& info, size_t index) {
  double value = 0;
  napi_get_value_double(info.Env(), info[index], &value);
  return value;
}

inline std::string Text(const Napi::CallbackInfo& info, size_t index) { return info[index].ToString().Utf8Value(); }

// A Uint8Array or Buffer. A detached one has length 0.
inline Bytes View(const Napi::CallbackInfo& info, size_t index) {
  void* data = nullptr;
  size_t length = 0;
  napi_typedarray_type type;
  if (napi_get_typedarray_info(info.Env(), info[index], &type, &length, &data, nullptr, nullptr) != napi_ok) length = 0;
  return {static_cast<uint8_t*>(data), length};
}

inline Napi::Value Give(const Napi::CallbackInfo& info, double value) { return Napi::Number::New(info.Env(), value); }

// The convention of the whole binding: a failure is the negative error number.
inline Napi::Value Fail(const Napi::CallbackInfo& info, int error) { return Give(info, -static_cast<double>(error)); }

inline Napi::Value GiveOrFail(const Napi::CallbackInfo& info, long result) {
  return result < 0 ? Fail(info, errno) : Give(info, static_cast<double>(result));
}

inline Napi::Value GiveList(const Napi::CallbackInfo& info, const double* values, size_t count) {
  Napi::Array list = Napi::Array::New(info.Env(), count);
  for (size_t i = 0; i < count; i++) list.Set(static_cast<uint32_t>(i), Napi::Number::New(info.Env(), values[i]));
  return list;
}

}  // namespace shim
