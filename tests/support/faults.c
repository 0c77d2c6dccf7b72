/* Faults at the n-th change of files below a folder: a library that stands before the system's, loaded by LD_PRELOAD.
   It sees what Python and the libraries written in C, C++ and Rust ask of the system. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { OFF, COUNT, KILL_BEFORE, KILL_AFTER, TEAR, FULL_DISK, READ_ONLY };

static char watched[PATH_MAX];
static int mode = OFF, log_to = -1;
static long at;
static atomic_long seen;

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

void faults_arm(const char *folder, int how, long number, int log) {
    strncpy(watched, folder, sizeof watched - 1);
    at = number; log_to = log; atomic_store(&seen, 0); mode = how;
}
long faults_seen(void) { return atomic_load(&seen); }

static int below(const char *path) { return strncmp(path, watched, strlen(watched)) == 0; }

static int place_of(int folder, const char *path, char *found) {
    char link[64]; ssize_t n;
    if (path && path[0] == '/') { snprintf(found, PATH_MAX, "%s", path); return 1; }
    if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    n = readlink(link, found, PATH_MAX - 1);
    if (n < 0) return 0;
    found[n] = 0;
    if (path) snprintf(found + n, PATH_MAX - n, "/%s", path);
    return 1;
}

/* What is to happen at this change: 0 nothing, 1 fail, 2 tear. */
static int meet(const char *what, int folder, const char *path, int needs_room) {
    char found[PATH_MAX]; long number; int kept = errno, failing;
    if (mode == OFF) return 0;
    if (!place_of(folder, path, found) || !below(found)) { errno = kept; return 0; }
    number = atomic_fetch_add(&seen, 1) + 1;
    if (log_to >= 0) dprintf(log_to, "%ld %s %s\n", number, what, found);
    if (mode == KILL_BEFORE && number == at) raise(SIGKILL);
    failing = (mode == FULL_DISK && needs_room) || mode == READ_ONLY;
    errno = kept;
    if (failing && number >= at) { errno = mode == FULL_DISK ? ENOSPC : EROFS; return 1; }
    return mode == TEAR && number == at ? 2 : 0;
}
static void after(void) {
    if ((mode == KILL_AFTER || mode == TEAR) && atomic_load(&seen) == at) raise(SIGKILL);
}

#define OPEN(name, folder_parameter, folder, call) \
    int name(folder_parameter const char *path, int flags, ...) { \
        REAL(name); va_list rest; int rights = 0, done; \
        if (flags & (O_CREAT | O_TMPFILE)) { va_start(rest, flags); rights = va_arg(rest, int); va_end(rest); } \
        if (!(flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC))) return call; \
        if (meet("open", folder, path, flags & O_CREAT) == 1) return -1; \
        done = call; after(); return done; }
#define COMMA ,
OPEN(open, , AT_FDCWD, real(path, flags, rights))
OPEN(open64, , AT_FDCWD, real(path, flags, rights))
OPEN(openat, int folder COMMA, folder, real(folder, path, flags, rights))
OPEN(openat64, int folder COMMA, folder, real(folder, path, flags, rights))

#define CHANGE(type, name, parameters, arguments, folder, path, room) \
    type name parameters { REAL(name); type done; \
        if (meet(#name, folder, path, room) == 1) return -1; \
        done = real arguments; after(); return done; }
CHANGE(int, rename, (const char *from, const char *to), (from, to), AT_FDCWD, to, 0)
CHANGE(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), b, to, 0)
CHANGE(int, unlink, (const char *path), (path), AT_FDCWD, path, 0)
CHANGE(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags), folder, path, 0)
CHANGE(int, rmdir, (const char *path), (path), AT_FDCWD, path, 0)
CHANGE(int, mkdir, (const char *path, mode_t rights), (path, rights), AT_FDCWD, path, 1)
CHANGE(int, mkdirat, (int folder, const char *path, mode_t rights), (folder, path, rights), folder, path, 1)
CHANGE(int, link, (const char *from, const char *to), (from, to), AT_FDCWD, to, 1)
CHANGE(int, symlink, (const char *from, const char *to), (from, to), AT_FDCWD, to, 1)
CHANGE(int, chmod, (const char *path, mode_t rights), (path, rights), AT_FDCWD, path, 0)
CHANGE(int, fchmod, (int file, mode_t rights), (file, rights), file, NULL, 0)
CHANGE(int, truncate, (const char *path, off_t size), (path, size), AT_FDCWD, path, 0)
CHANGE(int, ftruncate, (int file, off_t size), (file, size), file, NULL, 0)
CHANGE(int, ftruncate64, (int file, off64_t size), (file, size), file, NULL, 0)
CHANGE(ssize_t, copy_file_range, (int a, off64_t *from, int b, off64_t *to, size_t n, unsigned f), (a, from, b, to, n, f), b, NULL, 1)

#define WRITE(name, extra, more) \
    ssize_t name(int file, const void *bytes, size_t n extra) { REAL(name); ssize_t done; \
        int met = meet(#name, file, NULL, 1); if (met == 1) return -1; \
        done = real(file, bytes, met == 2 ? (n + 1) / 2 : n more); after(); return done; }
WRITE(write, , )
WRITE(pwrite, COMMA off_t place, COMMA place)
WRITE(pwrite64, COMMA off64_t place, COMMA place)

size_t fwrite(const void *bytes, size_t size, size_t n, FILE *stream) {
    REAL(fwrite); size_t done;
    int met = meet("fwrite", fileno(stream), NULL, 1); if (met == 1) return 0;
    done = real(bytes, size, met == 2 ? (n + 1) / 2 : n, stream);
    if (mode == TEAR) fflush(stream);
    after(); return done;
}
