/* The probe's scan in C: the same system calls, for comparison.
 * scan WORD... -- INTERPRETER...: writes the environments of all processes found. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CMDLINE = 131072, ENVIRON = 8388608 };

static char buffer[ENVIRON];

/* Up to MOST bytes of PID/NAME in `buffer`; -1 where it cannot be read. */
static ssize_t contents(int proc, const char *pid, const char *name, size_t most) {
    char path[NAME_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", pid, name);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    size_t length = 0;
    ssize_t piece, step = 16384;
    do {
        piece = read(fd, buffer + length, step);
        if (piece > 0) length += piece;
    } while (piece == step && length + step <= most);
    close(fd);
    return length;
}

static int has_interpreter(const char *exe, char **interpreters) {
    for (; *interpreters; interpreters++)
        if (strstr(exe, *interpreters)) return 1;
    return 0;
}

static int has_word(ssize_t length, char **words, char **end) {
    for (; words < end; words++)
        if (memmem(buffer, length, *words, strlen(*words))) return 1;
    return 0;
}

int main(int argc, char **argv) {
    char **words = argv + 1, **end = words, exe[PATH_MAX], path[NAME_MAX + 8];
    while (end < argv + argc && strcmp(*end, "--")) end++;
    DIR *listing = opendir("/proc");
    if (!listing || end == argv + argc) return 2;
    int proc = dirfd(listing);
    const pid_t own = getpid();
    for (struct dirent *entry; (entry = readdir(listing));) {
        const char *pid = entry->d_name;
        if (pid[0] < '1' || pid[0] > '9') continue;
        snprintf(path, sizeof path, "%s/exe", pid);
        ssize_t length = readlinkat(proc, path, exe, sizeof exe - 1);
        if (length < 0 && errno != EACCES) continue;
        exe[length < 0 ? 0 : length] = 0;
        if (length >= 0 && !has_interpreter(exe, end + 1)) continue;
        if (atoi(pid) == own) continue;
        length = contents(proc, pid, "cmdline", CMDLINE);
        if (length < 0 || !has_word(length, words, end)) continue;
        length = contents(proc, pid, "environ", ENVIRON);
        if (length > 0) fwrite(buffer, 1, length, stdout);
    }
    return fflush(stdout) ? 3 : 0;
}
