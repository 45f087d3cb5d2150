/* The probe's scan in C: the same system calls, for comparison. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char buffer[1 << 21];

static ssize_t content(const char *pid, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t length = read(fd, buffer, sizeof buffer - 1);
    close(fd);
    return length;
}

int main(void) {
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    long found = 0, bytes = 0;
    while (proc && (entry = readdir(proc))) {
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        char path[64], exe[4096];
        snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
        ssize_t length = readlink(path, exe, sizeof exe - 1);
        if (length < 0) continue;
        exe[length] = 0;
        if (!strstr(exe, "/python") && !strstr(exe, "/ruby")) continue;
        length = content(entry->d_name, "cmdline");
        if (length <= 0 || !memmem(buffer, length, "unicorn", 7)) continue;
        length = content(entry->d_name, "environ");
        if (length > 0) { found++; bytes += length; }
    }
    printf("%ld %ld\n", found, bytes);
    return 0;
}
