/*
 * A disk that fails, for the conservation harness: preloaded into the daemon, it lets one call on a file below a folder
 * fail. What was written and had no fsync by then is lost, as on a real disk after a failed fsync.
 *
 *   FAILING_DISK_BELOW  the folder, with a slash at its end
 *   FAILING_DISK_CALL   what fails: "sync" (fsync and fdatasync) or "write"
 *   FAILING_DISK_NTH    which of these calls, from 1
 *   FAILING_DISK_HOW    "EIO", "ENOSPC", or "power": the process and all that had no fsync are gone
 *   FAILING_DISK_SAYS   a file that gets the path of the file whose call failed
 *
 * A write that fails writes a half first, and the call for the other half fails: systems fail like that in the middle of a
 * record. Later calls succeed, which is what a daemon must not take for comfort.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum call { SYNC, WRITE };

/* Files with bytes that had no fsync, and from which byte on. */
#define UNSYNCED_MAX 64
static struct unsynced {
    char path[PATH_MAX];
    off_t from;
} unsynced[UNSYNCED_MAX];

/* Held while something is written, too, so that nothing is while what had no fsync is being lost. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *below, *says, *how;
static enum call failing;
static long left; /* calls before the one that fails */

static int (*real_fsync)(int), (*real_fdatasync)(int);
static ssize_t (*real_write)(int, const void *, size_t);

__attribute__((constructor)) static void begin(void) {
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_write = dlsym(RTLD_NEXT, "write");
    const char *call = getenv("FAILING_DISK_CALL"), *nth = getenv("FAILING_DISK_NTH");
    says = getenv("FAILING_DISK_SAYS");
    how = getenv("FAILING_DISK_HOW");
    if (!call || !nth || !says || !how) return;
    failing = strcmp(call, "sync") == 0 ? SYNC : WRITE;
    left = atol(nth) - 1;
    below = getenv("FAILING_DISK_BELOW");
}

static int is_below(int fd, char *path) {
    char link[32];
    if (!below) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, below, strlen(below)) == 0;
}

static struct unsynced *find(const char *path) {
    for (int i = 0; i < UNSYNCED_MAX; i++)
        if (strcmp(unsynced[i].path, path) == 0) return &unsynced[i];
    return NULL;
}

/* Before bytes are written behind those that are there. */
static void note(int fd, const char *path) {
    struct unsynced *file = find(path);
    struct stat status;
    if (file || !(file = find(""))) return;
    strcpy(file->path, path);
    int is_appended = fcntl(fd, F_GETFL) & O_APPEND;
    file->from = is_appended && fstat(fd, &status) == 0 ? status.st_size : lseek(fd, 0, SEEK_CUR);
}

/* Zeros are what a file system shows of blocks that it never wrote. */
static void lose(const struct unsynced *file) {
    struct stat status;
    int fd = open(file->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (fstat(fd, &status) == 0 && status.st_size > file->from)
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, file->from, status.st_size - file->from);
    close(fd);
}

static int fail(const char *path) {
    int fd = open(says, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || real_write(fd, path, strlen(path)) < 0) abort();
    close(fd);
    if (strcmp(how, "power") == 0) {
        for (int i = 0; i < UNSYNCED_MAX; i++)
            if (unsynced[i].path[0]) lose(&unsynced[i]);
        kill(getpid(), SIGKILL);
    }
    errno = strcmp(how, "EIO") == 0 ? EIO : ENOSPC;
    return -1;
}

static int is_next(enum call call) { return call == failing && left-- == 0; }

static int sync_by(int (*real)(int), int fd) {
    char path[PATH_MAX];
    if (!is_below(fd, path)) return real(fd);
    pthread_mutex_lock(&lock);
    struct unsynced *file = find(path);
    int is_failing = is_next(SYNC), result = 0;
    if (is_failing) {
        if (file) lose(file);
        result = fail(path);
    }
    if (file) file->path[0] = 0;
    pthread_mutex_unlock(&lock);
    return is_failing ? result : real(fd);
}

int fsync(int fd) { return sync_by(real_fsync, fd); }
int fdatasync(int fd) { return sync_by(real_fdatasync, fd); }

ssize_t write(int fd, const void *data, size_t bytes) {
    static int is_torn;
    char path[PATH_MAX];
    if (!is_below(fd, path)) return real_write(fd, data, bytes);
    pthread_mutex_lock(&lock);
    note(fd, path);
    int is_failing = is_torn, is_half = !is_torn && is_next(WRITE);
    is_torn = is_half;
    ssize_t written = is_failing ? fail(path) : real_write(fd, data, is_half ? (bytes + 1) / 2 : bytes);
    pthread_mutex_unlock(&lock);
    return written;
}
