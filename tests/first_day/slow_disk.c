/*
 * A disk that is slow: preloaded into the daemon, it lets every fsync and fdatasync take SLOW_DISK_MS milliseconds more.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int (*real_fsync)(int), (*real_fdatasync)(int);
static useconds_t longer_us;

__attribute__((constructor)) static void begin(void) {
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    const char *ms = getenv("SLOW_DISK_MS");
    if (ms) longer_us = (useconds_t)atol(ms) * 1000;
}

int fsync(int fd) {
    usleep(longer_us);
    return real_fsync(fd);
}

int fdatasync(int fd) {
    usleep(longer_us);
    return real_fdatasync(fd);
}
