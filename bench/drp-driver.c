/* The parent's side of the existing DRP-python protocol in plain C (docs/drp-python.md, --ipc posix), as a reference for the benchmark:
 * one worker, every dgram of a file in, its result copied out, nothing checked.
 *
 *   drp-driver FILE.xtc2 SCRIPT PEBBLE PYTHON ARG...     prints "EVENTS SECONDS" of the L1Accepts
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TRANSITION_LIMIT = 8 << 20, PARTITION = 6 };

static char names[4][64];
static char *in, *out;
static mqd_t to, from;
static size_t segment;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void unlink_all(void) {
  mq_unlink(names[0]);
  mq_unlink(names[1]);
  shm_unlink(names[2]);
  shm_unlink(names[3]);
}

static mqd_t make_queue(const char *name, int flags) {
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 512};
  mqd_t queue = mq_open(name, flags | O_CREAT, 0600, &attributes);
  if (queue == (mqd_t)-1) die(name);
  return queue;
}

static char *make_segment(const char *name) {
  int fd = shm_open(name, O_RDWR | O_CREAT, 0600);
  if (fd < 0 || ftruncate(fd, (off_t)segment) < 0) die(name);
  char *memory = mmap(NULL, segment, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) die("mmap");
  close(fd);
  return memory;
}

static void ask(const char *text, size_t length) {
  char reply[512];
  if (mq_send(to, text, length, 31) < 0) die("mq_send");
  if (mq_receive(from, reply, sizeof reply, NULL) < 0) die("mq_receive");
}

static uint32_t word(const char *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static char *read_file(const char *name, size_t *size) {
  FILE *file = fopen(name, "rb");
  if (!file) die(name);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(*size);
  if (fread(bytes, 1, *size, file) != *size) die("fread");
  fclose(file);
  return bytes;
}

static pid_t start(char *pebble, char *size, char **command, int words) {
  pid_t child = fork();
  if (child != 0) return child;
  char *tail[] = {"6", pebble, "8388608", size, "bench", "bench", "", "0", "0", "0", "tst", "", NULL};
  char **argv = calloc((size_t)words + 13, sizeof *argv);
  memcpy(argv, command, (size_t)words * sizeof *argv);
  memcpy(argv + words, tail, sizeof tail);
  execvp(argv[0], argv);
  die("execvp");
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  size_t size;
  char *bytes = read_file(argv[1], &size), *result = malloc(TRANSITION_LIMIT);
  size_t pebble = strtoul(argv[3], NULL, 10);
  segment = ((pebble > TRANSITION_LIMIT ? pebble : TRANSITION_LIMIT) + 4095) / 4096 * 4096;
  const char *kinds[] = {"mqinp", "mqres", "shminp", "shmres"};
  for (int i = 0; i < 4; i++) snprintf(names[i], sizeof names[i], "/%s_p%d_bench_0_0", kinds[i], PARTITION);
  unlink_all();
  to = make_queue(names[0], O_WRONLY);
  from = make_queue(names[1], O_RDONLY);
  in = make_segment(names[2]);
  out = make_segment(names[3]);
  char text[512], length[32];
  snprintf(length, sizeof length, "%zu", segment);
  pid_t child = start(argv[3], length, argv + 4, argc - 4);
  ask(text, (size_t)snprintf(text, sizeof text, "%s,,127.0.0.1:0", argv[2]));
  unsigned long events = 0;
  double begin = 0, end = 0;
  for (size_t at = 0; at + 24 <= size;) {
    size_t dgram = 12 + word(bytes + at + 20);
    int event = (word(bytes + at + 8) >> 24 & 15) == 12;
    if (event && events == 0) begin = now();
    memcpy(in, bytes + at, dgram);
    ask("g", 1);
    memcpy(result, out, 12 + word(out + 20));
    if (event) {
      events++;
      end = now();
    }
    at += dgram;
  }
  printf("%lu %.6f\n", events, end - begin);
  kill(child, SIGINT);
  waitpid(child, NULL, 0);
  unlink_all();
  return 0;
}
