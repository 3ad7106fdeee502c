// measure PROGRAM ARGUMENT...: runs it and prints how long it takes and how much memory. Small and linked
// statically, so that it adds next to nothing to either.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>

/// measure PROGRAM ARGUMENT...: runs it and prints its nanoseconds from start to end and its peak memory in
/// bytes. A program of its own, small and linked statically, because Linux counts the peak of a process from
/// what its parent held when it was started.
int main(int, char** arguments) {
  timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  const pid_t child = vfork();
  if (child == 0) {
    dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
    execvp(arguments[1], arguments + 1);
    _exit(127);
  }
  int status = 0;
  rusage usage = {};
  if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0) return 1;
  clock_gettime(CLOCK_MONOTONIC, &end);
  std::printf("%lld %lld\n", (end.tv_sec - start.tv_sec) * 1000000000LL + end.tv_nsec - start.tv_nsec,
              usage.ru_maxrss * 1024LL);
}
