{
  "targets": [
    {
      "target_name": "posix_ipc_shim",
      "sources": [
        "native/addon.cc",
        "native/loop.cc",
        "native/fd_watch.cc",
        "native/thread_watch.cc",
        "native/region.cc",
        "native/truncation_guard.cc",
        "native/shared_memory.cc",
        "native/sysv_queue.cc",
        "native/posix_queue.cc",
        "native/words.cc",
        "native/process.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS", "_GNU_SOURCE"],
      "cflags_cc": ["-std=c++17", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fvisibility=hidden"],
      "ldflags": ["-Wl,-z,now"],
      "libraries": ["-lrt", "-lpthread"]
    },
    {
      "target_name": "bind-to-parent",
      "type": "executable",
      "sources": ["native/bind_to_parent.c"],
      "cflags": ["-std=c11", "-Wall", "-Wextra"],
      "defines": ["_GNU_SOURCE"],
      "ldflags!": ["-rdynamic"]
    }
  ]
}
