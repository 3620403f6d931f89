// The reference of bench/round-trip.ts: both ends of a ping-pong in plain C.
//   pingpong respond KIND A B      answers for ever, until the object goes away or the parent dies
//   pingpong measure KIND MS       plays against a forked copy of itself, prints round trips per second
// KIND: mq (names), sysv (ids), futex (name of a segment, unused), eventfd (descriptors). A carries requests, B answers.
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 8, CHECK_EVERY = 64 };
struct message {
  long type;
  char text[SIZE];
};
static int in_queue, out_queue;  // as the responder sees them: mq, sysv, eventfd
static uint32_t *words;          // futex: [0] requests, [16] answers

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void word_wait(uint32_t *word, uint32_t seen) {
  while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == seen) syscall(SYS_futex, word, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static void word_bump(uint32_t *word) {
  __atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int take(const char *kind, int queue, uint32_t *word, uint32_t *seen) {
  struct message message;
  uint64_t count;
  if (!strcmp(kind, "mq")) return mq_receive(queue, message.text, SIZE, NULL) >= 0;
  if (!strcmp(kind, "sysv")) return msgrcv(queue, &message, SIZE, 0, 0) >= 0;
  if (!strcmp(kind, "eventfd")) {
    while (read(queue, &count, sizeof count) < 0) {  // the counter that Node made does not block
      struct pollfd entry = {queue, POLLIN, 0};
      if (errno != EAGAIN || poll(&entry, 1, -1) < 0) return 0;
    }
    return 1;
  }
  word_wait(word, *seen);
  *seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);
  return 1;
}

static int give(const char *kind, int queue, uint32_t *word) {
  struct message message = {1, "pong"};
  uint64_t one = 1;
  if (!strcmp(kind, "mq")) return mq_send(queue, message.text, SIZE, 0) == 0;
  if (!strcmp(kind, "sysv")) return msgsnd(queue, &message, SIZE, 0) == 0;
  if (!strcmp(kind, "eventfd")) return write(queue, &one, sizeof one) == sizeof one;
  word_bump(word);
  return 1;
}

static void respond(const char *kind) {
  uint32_t seen = 0;
  while (take(kind, in_queue, words, &seen) && give(kind, out_queue, words + 16)) {
  }
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void make_own(const char *kind) {
  char name[2][64];
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = SIZE};
  int *queues[2] = {&in_queue, &out_queue};
  for (int i = 0; i < 2; i++) {
    if (!strcmp(kind, "mq")) {
      snprintf(name[i], sizeof name[i], "/pingpong_%d_%d", getpid(), i);
      *queues[i] = mq_open(name[i], O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
      mq_unlink(name[i]);
    } else if (!strcmp(kind, "sysv")) {
      *queues[i] = msgget(IPC_PRIVATE, 0600);
    } else if (!strcmp(kind, "eventfd")) {
      *queues[i] = eventfd(0, 0);
    }
    if (*queues[i] < 0) die(kind);
  }
  words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void measure(const char *kind, double seconds) {
  make_own(kind);
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    respond(kind);
    _exit(0);
  }
  uint32_t seen = 0;
  long trips = 0;
  double start = now(), end;
  do {
    for (int i = 0; i < CHECK_EVERY; i++, trips++) {
      if (!give(kind, in_queue, words) || !take(kind, out_queue, words + 16, &seen)) die(kind);
    }
    end = now();
  } while (end - start < seconds);
  printf("%.0f\n", trips / (end - start));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  if (!strcmp(kind, "sysv")) {
    msgctl(in_queue, IPC_RMID, NULL);
    msgctl(out_queue, IPC_RMID, NULL);
  }
}

int main(int argc, char **argv) {
  if (argc == 4 && !strcmp(argv[1], "measure")) {
    measure(argv[2], atof(argv[3]) / 1e3);
    return 0;
  }
  if (argc != 5 || strcmp(argv[1], "respond")) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const char *kind = argv[2];
  if (!strcmp(kind, "mq")) {
    in_queue = mq_open(argv[3], O_RDONLY);
    out_queue = mq_open(argv[4], O_WRONLY);
  } else if (!strcmp(kind, "futex")) {
    int fd = shm_open(argv[3], O_RDWR, 0);
    words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (words == MAP_FAILED) die("mmap");
  } else {
    in_queue = atoi(argv[3]);
    out_queue = atoi(argv[4]);
  }
  if (in_queue < 0 || out_queue < 0) die(kind);
  respond(kind);
  return 0;
}
