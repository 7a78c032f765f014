/* Between a process and the C library: calls on chosen files fail with an errno, or take long, as told by a file.
 *
 * Loaded by LD_PRELOAD. FAULTY_DISK_RULES names a file with lines `CALL ERRNO DELAY_MS PATH`, read at each call: CALL is
 * `write`, `sync` or `read`; PATH is a part of the path of the file; ERRNO 0 lets the call through after the delay, which
 * ends sooner when the rules change.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { kRulesBytes = 4096, kTickMs = 10 };

static int path_of(int file, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(link, path, size - 1);
  path[length > 0 ? length : 0] = '\0';
  return path[0] == '/';
}

static int rules(char *text, size_t size) {
  const char *name = getenv("FAULTY_DISK_RULES");
  const int file = name ? (int)syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return 0;
  const long length = syscall(SYS_read, file, text, size - 1);
  syscall(SYS_close, file);
  text[length > 0 ? length : 0] = '\0';
  return length > 0;
}

static int rule_for(const char *call, const char *path, char *text, long *delay_ms) {
  char *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    char named[16], part[1024];
    int number = 0;
    if (sscanf(line, "%15s %d %ld %1023[^\n]", named, &number, delay_ms, part) != 4) continue;
    if (strcmp(named, call) == 0 && strstr(path, part)) return number;
  }
  *delay_ms = 0;
  return 0;
}

/* Waits, and returns the errno that the call is to fail with, or 0. */
static int fault(const char *call, int file) {
  const int before = errno;
  char text[kRulesBytes], path[PATH_MAX];
  int number = 0;
  if (rules(text, sizeof text) && path_of(file, path, sizeof path)) {
    long delay_ms = 0;
    number = rule_for(call, path, text, &delay_ms);
    for (long waited_ms = 0; waited_ms < delay_ms; waited_ms += kTickMs) {
      const struct timespec tick = {0, kTickMs * 1000000};
      nanosleep(&tick, NULL);
      if (rules(text, sizeof text)) number = rule_for(call, path, text, &delay_ms);
      else delay_ms = number = 0;
    }
  }
  errno = before;
  return number;
}

#define FAIL_IF(call, file)                \
  do {                                     \
    const int number = fault(call, file);  \
    if (number) return errno = number, -1; \
  } while (0)

ssize_t write(int file, const void *data, size_t size) {
  FAIL_IF("write", file);
  return syscall(SYS_write, file, data, size);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
  FAIL_IF("write", file);
  return syscall(SYS_pwrite64, file, data, size, at);
}

ssize_t pwrite64(int file, const void *data, size_t size, off_t at) { return pwrite(file, data, size, at); }

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at) {
  FAIL_IF("write", file);
  return syscall(SYS_pwritev, file, parts, count, at, 0L);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off_t at) { return pwritev(file, parts, count, at); }

int fallocate(int file, int mode, off_t at, off_t size) {
  FAIL_IF("write", file);
  return (int)syscall(SYS_fallocate, file, mode, at, size);
}

int posix_fallocate(int file, off_t at, off_t size) { return fallocate(file, 0, at, size) ? errno : 0; }

int posix_fallocate64(int file, off_t at, off_t size) { return posix_fallocate(file, at, size); }

int fsync(int file) {
  FAIL_IF("sync", file);
  return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
  FAIL_IF("sync", file);
  return (int)syscall(SYS_fdatasync, file);
}

ssize_t read(int file, void *data, size_t size) {
  FAIL_IF("read", file);
  return syscall(SYS_read, file, data, size);
}

ssize_t pread(int file, void *data, size_t size, off_t at) {
  FAIL_IF("read", file);
  return syscall(SYS_pread64, file, data, size, at);
}

ssize_t pread64(int file, void *data, size_t size, off_t at) { return pread(file, data, size, at); }

ssize_t sendfile(int out, int file, off_t *at, size_t size) {
  FAIL_IF("read", file);
  return syscall(SYS_sendfile, out, file, at, size);
}

ssize_t sendfile64(int out, int file, off_t *at, size_t size) { return sendfile(out, file, at, size); }
