// bind-to-parent PID SIGNAL COMMAND [ARGUMENT...]
//
// Runs COMMAND in this process so that it gets SIGNAL (a number) when its parent, process PID, dies. For programs that cannot ask for
// it themselves. The signal survives exec, except of set-user-id programs.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: bind-to-parent PID SIGNAL COMMAND [ARGUMENT...]\n");
    return 2;
  }
  long parent = strtol(argv[1], NULL, 10);
  long number = strtol(argv[2], NULL, 10);
  if (prctl(PR_SET_PDEATHSIG, (unsigned long)number, 0, 0, 0) != 0) {
    fprintf(stderr, "bind-to-parent: signal %s: %s\n", argv[2], strerror(errno));
    return 2;
  }
  // The parent may have died before the request: then nobody would send the signal.
  if (getppid() != parent) {
    raise((int)number);
    return 128 + (int)number;
  }
  execvp(argv[3], argv + 3);
  fprintf(stderr, "bind-to-parent: %s: %s\n", argv[3], strerror(errno));
  return errno == ENOENT ? 127 : 126;
}
