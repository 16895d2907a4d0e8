/* Stands between a program and its disk, as a library loaded before all others (LD_PRELOAD).

   Only files below the folder DISK_FOLDER (an absolute path without links in it) are looked at. With DISK_LOG set to a
   file outside that folder, every write, new size, sync and change of a name is appended to it, in the order in which
   they were done, and nothing is really synced, since what is on the real disk is of no interest then. Without DISK_LOG
   calls are counted, and can be made to fail (disk_arm). The functions disk_... are for the program itself.

   A record: kind (1 byte), inode, number, length of the name, length of the data (8 bytes each), name, data.
   disk.py reads them and says what each means. Files that end in -shm are an index that SQLite builds again after a
   crash; they are not recorded. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* The function of this name that this library hides. */
#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_length;
static int log_file = -1;

static long calls, fail_at; /* counted since disk_arm; 0: nothing fails */
static int fail_with, fail_on;
static char failed[PATH_MAX + 64];

static ssize_t plain_write(int file, const void *data, size_t size)
{
    REAL(ssize_t, write, int, const void *, size_t);
    return real(file, data, size);
}

__attribute__((constructor)) static void begin(void)
{
    const char *below = getenv("DISK_FOLDER"), *into = getenv("DISK_LOG");
    REAL(int, open, const char *, int, ...);
    if (below && strlen(below) < sizeof folder) {
        strcpy(folder, below);
        folder_length = strlen(folder);
    }
    if (folder_length && into)
        log_file = real(into, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_below(const char *path)
{
    return folder_length && !strncmp(path, folder, folder_length) && path[folder_length] == '/';
}

static int is_index(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && !strcmp(path + length - 4, "-shm");
}

/* The path of a name that a call was given; whether it lies below the folder. */
static int named(int at, const char *name, char *path)
{
    char base[PATH_MAX];
    if (!folder_length || !name) return 0;
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
    } else if (at == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return 0;
        if (snprintf(path, PATH_MAX, "%s/%s", base, name) >= PATH_MAX) return 0;
    } else {
        char link[64];
        ssize_t length;
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        if ((length = readlink(link, base, sizeof base - 1)) < 0) return 0;
        base[length] = 0;
        if (snprintf(path, PATH_MAX, "%s/%s", base, name) >= PATH_MAX) return 0;
    }
    return is_below(path);
}

/* The path of an open file; whether it lies below the folder, or is the folder. */
static int opened(int file, char *path)
{
    char link[64];
    ssize_t length;
    if (!folder_length) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if ((length = readlink(link, path, PATH_MAX - 1)) < 0) return 0;
    path[length] = 0;
    return is_below(path) || !strcmp(path, folder);
}

static uint64_t inode(int file)
{
    struct stat status;
    return fstat(file, &status) ? 0 : (uint64_t)status.st_ino;
}

/* One write each, so that the records of several processes do not mix. A log with a hole would prove nothing. */
static void record(char kind, uint64_t node, uint64_t number, const char *name, const void *data, size_t size)
{
    uint64_t head[4] = {node, number, name ? strlen(name) : 0, size};
    size_t length = 1 + sizeof head + head[2] + size;
    int kept = errno;
    char *whole;
    if (log_file < 0) return;
    if (!(whole = malloc(length))) abort();
    whole[0] = kind;
    memcpy(whole + 1, head, sizeof head);
    if (name) memcpy(whole + 1 + sizeof head, name, head[2]);
    if (size) memcpy(whole + 1 + sizeof head + head[2], data, size);
    if (plain_write(log_file, whole, length) != (ssize_t)length) abort();
    free(whole);
    errno = kept;
}

/* Counts a call that changes the disk; whether it is one that has to fail. */
static int fails(const char *what, const char *path)
{
    calls++;
    if (!fail_at || calls < fail_at || (calls > fail_at && !fail_on)) return 0;
    if (calls == fail_at) snprintf(failed, sizeof failed, "%s %s", what, path + folder_length + (path[folder_length] == '/'));
    errno = fail_with;
    return 1;
}

/* For the program: */

void disk_mark(const char *text)
{
    pthread_mutex_lock(&turn);
    record('K', 0, 0, NULL, text, strlen(text));
    pthread_mutex_unlock(&turn);
}

/* From now on the call number `at` fails with the error `with`; `on`: and all after it. 0: none does. */
void disk_arm(long at, int with, int on)
{
    pthread_mutex_lock(&turn);
    calls = 0;
    fail_at = at;
    fail_with = with;
    fail_on = on;
    failed[0] = 0;
    pthread_mutex_unlock(&turn);
}

/* The calls since disk_arm. */
long disk_calls(void)
{
    return calls;
}

/* The first call that was made to fail, empty if none was. */
const char *disk_failed(void)
{
    return failed;
}

/* Writing. A write that fails has written its first half. */

static ssize_t write_at(int file, const void *data, size_t size, off_t offset, int is_placed)
{
    REAL(ssize_t, pwrite64, int, const void *, size_t, off_t);
    char path[PATH_MAX];
    ssize_t written;
    if (!opened(file, path)) return is_placed ? real(file, data, size, offset) : plain_write(file, data, size);
    pthread_mutex_lock(&turn);
    if (fails("write", path)) {
        int kept = errno;
        if (is_placed && real(file, data, size / 2, offset) < 0) kept = errno;
        errno = kept;
        written = -1;
    } else {
        written = is_placed ? real(file, data, size, offset) : plain_write(file, data, size);
        if (!is_placed && written > 0) offset = lseek(file, 0, SEEK_CUR) - written;
        if (written > 0 && !is_index(path)) record('W', inode(file), (uint64_t)offset, NULL, data, (size_t)written);
    }
    pthread_mutex_unlock(&turn);
    return written;
}

ssize_t write(int file, const void *data, size_t size)
{
    return write_at(file, data, size, 0, 0);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t offset)
{
    return write_at(file, data, size, offset, 1);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset)
{
    return write_at(file, data, size, (off_t)offset, 1);
}

int ftruncate(int file, off_t size)
{
    REAL(int, ftruncate, int, off_t);
    char path[PATH_MAX];
    int result = -1;
    if (!opened(file, path)) return real(file, size);
    pthread_mutex_lock(&turn);
    if (!fails("ftruncate", path) && !(result = real(file, size)) && !is_index(path))
        record('T', inode(file), (uint64_t)size, NULL, NULL, 0);
    pthread_mutex_unlock(&turn);
    return result;
}

int ftruncate64(int file, off64_t size)
{
    return ftruncate(file, (off_t)size);
}

/* Copying inside the kernel would pass by this library: programs fall back to reading and writing. */

ssize_t sendfile(int out, int in, off_t *offset, size_t count)
{
    REAL(ssize_t, sendfile, int, int, off_t *, size_t);
    char path[PATH_MAX];
    if (!opened(out, path)) return real(out, in, offset, count);
    errno = ENOTSOCK;
    return -1;
}

ssize_t sendfile64(int out, int in, off64_t *offset, size_t count)
{
    return sendfile(out, in, (off_t *)offset, count);
}

ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t count, unsigned int flags)
{
    REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned int);
    char path[PATH_MAX];
    if (!opened(out, path)) return real(in, from, out, to, count, flags);
    errno = EXDEV;
    return -1;
}

/* Syncing. */

static int sync_file(int file, int (*real)(int))
{
    char path[PATH_MAX];
    struct stat status;
    int result = -1;
    if (!opened(file, path)) return real(file);
    pthread_mutex_lock(&turn);
    if (!fails("sync", path)) {
        int is_folder = !fstat(file, &status) && S_ISDIR(status.st_mode);
        result = log_file < 0 ? real(file) : 0;
        if (!result && !is_index(path)) record(is_folder ? 'D' : 'S', inode(file), 0, is_folder ? path : NULL, NULL, 0);
    }
    pthread_mutex_unlock(&turn);
    return result;
}

int fsync(int file)
{
    REAL(int, fsync, int);
    return sync_file(file, real);
}

int fdatasync(int file)
{
    REAL(int, fdatasync, int);
    return sync_file(file, real);
}

/* Names. */

static int open_at(int at, const char *name, int flags, mode_t mode)
{
    REAL(int, openat, int, const char *, int, ...);
    char path[PATH_MAX];
    struct stat status;
    int file, is_new;
    if (!(flags & (O_CREAT | O_TRUNC)) || !named(at, name, path)) return real(at, name, flags, mode);
    pthread_mutex_lock(&turn);
    is_new = (flags & O_CREAT) && lstat(path, &status);
    if (is_new && fails("create", path)) {
        file = -1;
    } else if ((file = real(at, name, flags, mode)) >= 0 && !is_index(path)) {
        if (is_new) record('C', inode(file), 0, path, NULL, 0);
        else if (flags & O_TRUNC) record('T', inode(file), 0, NULL, NULL, 0);
    }
    pthread_mutex_unlock(&turn);
    return file;
}

static mode_t mode_of(int flags, va_list more)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = mode_of(flags, more); \
        va_end(more); \
        return open_at(AT_FDCWD, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int at, const char *path, int flags, ...) \
    { \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = mode_of(flags, more); \
        va_end(more); \
        return open_at(at, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

int mkdirat(int at, const char *name, mode_t mode)
{
    REAL(int, mkdirat, int, const char *, mode_t);
    char path[PATH_MAX];
    struct stat status;
    int result = -1;
    if (!named(at, name, path) || !lstat(path, &status)) return real(at, name, mode);
    pthread_mutex_lock(&turn);
    if (!fails("mkdir", path) && !(result = real(at, name, mode))) record('M', 0, 0, path, NULL, 0);
    pthread_mutex_unlock(&turn);
    return result;
}

int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
    REAL(int, renameat, int, const char *, int, const char *);
    char old[PATH_MAX], fresh[PATH_MAX];
    int was, is, result = -1;
    was = named(from_at, from, old);
    is = named(to_at, to, fresh);
    if (!was && !is) return real(from_at, from, to_at, to);
    pthread_mutex_lock(&turn);
    if (!fails("rename", was ? old : fresh) && !(result = real(from_at, from, to_at, to)) && !is_index(old)) {
        if (log_file >= 0 && (!was || !is)) abort(); /* the log could not say what the file holds */
        record('R', 0, 0, old, fresh, strlen(fresh));
    }
    pthread_mutex_unlock(&turn);
    return result;
}

int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlinkat(int at, const char *name, int flags)
{
    REAL(int, unlinkat, int, const char *, int);
    char path[PATH_MAX];
    struct stat status;
    int result = -1;
    if (!named(at, name, path) || lstat(path, &status)) return real(at, name, flags);
    pthread_mutex_lock(&turn);
    if (!fails("unlink", path) && !(result = real(at, name, flags)) && !is_index(path))
        record('U', 0, 0, path, NULL, 0);
    pthread_mutex_unlock(&turn);
    return result;
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

int rmdir(const char *name)
{
    return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    REAL(int, linkat, int, const char *, int, const char *, int);
    char old[PATH_MAX], fresh[PATH_MAX];
    int was = named(from_at, from, old), is = named(to_at, to, fresh), result = -1;
    if (!was && !is) return real(from_at, from, to_at, to, flags);
    pthread_mutex_lock(&turn);
    if (!fails("link", was ? old : fresh) && !(result = real(from_at, from, to_at, to, flags))) {
        if (log_file >= 0 && (!was || !is)) abort();
        record('L', 0, 0, old, fresh, strlen(fresh));
    }
    pthread_mutex_unlock(&turn);
    return result;
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}
