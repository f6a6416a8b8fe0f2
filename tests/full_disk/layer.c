/* A layer between a process and its disk on which there is no room left: see run.py.
 *
 * It is loaded before the C library (LD_PRELOAD), so whatever writes, Python or SQLite, asks it
 * first. A request that needs room in the folder `place` is counted; the n-th is refused, and with
 * `for_good` each after it. A write is refused as disks do it: half of it is written before.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static char place[PATH_MAX];
static long refused, asked;
static int for_good, half;

void layer_begin(const char *folder, long number, int ever_after) {
    strncpy(place, folder, sizeof place - 1);
    refused = number;
    for_good = ever_after;
    asked = half = 0;
}

long layer_asked(void) { return asked; }

static int in_place(int at, const char *path) {
    char whole[PATH_MAX] = "", link[64];
    if (!place[0]) return 0;
    if (path && path[0] == '/') return !strncmp(path, place, strlen(place));
    if (path && at == AT_FDCWD) return getcwd(whole, sizeof whole) && !strncmp(whole, place, strlen(place));
    snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    return readlink(link, whole, sizeof whole - 1) > 0 && !strncmp(whole, place, strlen(place));
}

static int is_full(void) {
    asked++;
    if (!refused || asked < refused || (asked > refused && !for_good)) return 0;
    errno = ENOSPC;
    return 1;
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

/* The first refused write writes half; the rest of it is refused for certain. */
static int left_of(int file, size_t *size) {
    if (!in_place(file, NULL)) return 0;
    if (half) { half = 0; errno = ENOSPC; return -1; }
    if (!is_full()) return 0;
    if (asked == refused && *size > 1) { half = 1; *size /= 2; return 0; }
    return -1;
}

ssize_t write(int file, const void *data, size_t size) {
    if (left_of(file, &size)) return -1;
    return REAL(ssize_t, "write", int, const void *, size_t)(file, data, size);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    if (left_of(file, &size)) return -1;
    return REAL(ssize_t, "pwrite", int, const void *, size_t, off_t)(file, data, size, at);
}

ssize_t pwrite64(int file, const void *data, size_t size, off_t at) {
    if (left_of(file, &size)) return -1;
    return REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t)(file, data, size, at);
}

#define OPENS(name, at, ...)                                                                   \
    mode_t mode = 0;                                                                           \
    if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) { /* which holds O_DIRECTORY */   \
        va_list more;                                                                          \
        va_start(more, flags);                                                                 \
        mode = va_arg(more, mode_t);                                                           \
        va_end(more);                                                                          \
        if (in_place(at, path) && faccessat(at, path, F_OK, 0) && is_full()) return -1;        \
    }                                                                                          \
    return REAL(int, name, __VA_ARGS__)

int open(const char *path, int flags, ...) {
    OPENS("open", AT_FDCWD, const char *, int, mode_t)(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    OPENS("open64", AT_FDCWD, const char *, int, mode_t)(path, flags, mode);
}
int openat(int at, const char *path, int flags, ...) {
    OPENS("openat", at, int, const char *, int, mode_t)(at, path, flags, mode);
}
int openat64(int at, const char *path, int flags, ...) {
    OPENS("openat64", at, int, const char *, int, mode_t)(at, path, flags, mode);
}

int mkdir(const char *path, mode_t mode) {
    if (in_place(AT_FDCWD, path) && is_full()) return -1;
    return REAL(int, "mkdir", const char *, mode_t)(path, mode);
}

int rename(const char *from, const char *to) {
    if (in_place(AT_FDCWD, to) && is_full()) return -1;
    return REAL(int, "rename", const char *, const char *)(from, to);
}

int fsync(int file) {
    if (in_place(file, NULL) && is_full()) return -1;
    return REAL(int, "fsync", int)(file);
}

int fdatasync(int file) {
    if (in_place(file, NULL) && is_full()) return -1;
    return REAL(int, "fdatasync", int)(file);
}

int ftruncate64(int file, off_t size) {
    if (in_place(file, NULL) && is_full()) return -1;
    return REAL(int, "ftruncate64", int, off_t)(file, size);
}

int posix_fallocate64(int file, off_t at, off_t size) {
    if (in_place(file, NULL) && is_full()) return ENOSPC;
    return REAL(int, "posix_fallocate64", int, off_t, off_t)(file, at, size);
}
