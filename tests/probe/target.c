/* A process that does to its environment what its arguments say, writes "ready" and waits to be killed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef COPY
extern char **environ;
char **volatile copied; /* used in code at fixed addresses: the linker makes a COPY relocation */
#endif

struct mm_map {
    uint64_t start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
    uint64_t arg_start, arg_end, env_start, env_end, *auxv;
    uint32_t auxv_size, exe_fd;
};

/* Let /proc/self/environ show [start, start + size). */
static void forge(char *start, unsigned long size)
{
    char line[4096], *at;
    uint64_t field[60];
    struct mm_map map = {0};
    int fd = open("/proc/self/stat", O_RDONLY), n = read(fd, line, sizeof line - 1), i;
    line[n] = 0;
    at = strrchr(line, ')') + 4; /* field 4 */
    for (i = 4; i < 53; i++)
        field[i] = strtoull(at, &at, 10);
    map.start_code = field[26], map.end_code = field[27], map.start_stack = field[28];
    map.start_data = field[45], map.end_data = field[46], map.start_brk = field[47];
    map.brk = (uint64_t)sbrk(0), map.arg_start = field[48], map.arg_end = field[49];
    map.env_start = (uint64_t)start, map.env_end = (uint64_t)start + size, map.exe_fd = -1;
    if (prctl(35 /* PR_SET_MM */, 14 /* PR_SET_MM_MAP */, &map, sizeof map, 0)) {
        puts("refused");
        exit(1);
    }
}

static char *pages(unsigned long size)
{
    return mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void ready(void)
{
    puts("ready");
    fflush(stdout);
}

static void *outlive(void *unused)
{
    ready();
    for (;;)
        pause();
    return unused;
}

static void grow(void)
{
    char name[20];
    int i;
    for (;;) {
        for (i = 0; i < 400; i++)
            sprintf(name, "GROW%d", i), setenv(name, "1", 1);
        for (i = 0; i < 400; i++)
            sprintf(name, "GROW%d", i), unsetenv(name);
        usleep(1000); /* else a slow reader never finds it at rest */
    }
}

static void again(char **argv)
{
    char first[40], second[40];
    char *env[] = {first, second, 0};
    long n = getenv("FIRST") ? atol(getenv("FIRST")) + 1 : 0;
    sprintf(first, "FIRST=%ld", n), sprintf(second, "SECOND=%ld", n);
    execve("/proc/self/exe", argv, env);
}

int main(int argc, char **argv)
{
    char *nasty[] = {"A=1", "A=2", "NOEQUALS", "", "=C:=x", "BAD\xff=\xfe", "CR=a\r\nb\rc", "LAST=1", 0};
    char *map;
    int i;
    pthread_t thread;
#ifdef COPY
    copied = environ;
#endif
    for (i = 1; i < argc; i++) {
        char *what = argv[i], *value = argv[i + 1];
        if (!strcmp(what, "set")) {
            char *name = strdup(value), *equals = strchr(name, '=');
            *equals = 0, setenv(name, equals + 1, 1), i++;
        } else if (!strcmp(what, "unset"))
            unsetenv(value), i++;
        else if (!strcmp(what, "put"))
            putenv(strdup(value)), i++;
        else if (!strcmp(what, "clear"))
            clearenv();
        else if (!strcmp(what, "fork"))
            for (int n = atoi(argv[++i]); n > 0; n--)
                if (!fork())
                    for (;;)
                        pause();
                else
                    ;
        else if (!strcmp(what, "setuid"))
            setgid(65534) || setuid(65534);
        else if (!strcmp(what, "grow"))
            ready(), grow();
        else if (!strcmp(what, "again"))
            again(argv);
        else if (!strcmp(what, "nasty"))
            argv[i] = "idle", execve("/proc/self/exe", argv, nasty);
        else if (!strcmp(what, "huge"))
            forge(pages(1UL << 30), (1UL << 30) - 1);
        else if (!strcmp(what, "half")) { /* from the middle of a page into one that is not there */
            map = pages(8192), memset(map, 'x', 4096), memcpy(map + 1000, "A=1", 4);
            munmap(map + 4096, 4096), forge(map + 1000, 6000);
        } else if (!strcmp(what, "outlive"))
            pthread_create(&thread, 0, outlive, 0), pthread_exit(0);
    }
    ready();
    for (;;)
        pause();
}
