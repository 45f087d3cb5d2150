/* A static program for i386 without any libc: only its symbol `environ` and the stack it was given. */
__asm__(".globl _start\n_start: mov %esp, %eax\n push %eax\n call start\n");
char **environ;

static int call(int number, int a, const void *b, int c)
{
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

void start(int *stack)
{
    environ = (char **)(stack + *stack + 2);
    call(4, 1, "ready\n", 6); /* write */
    for (;;)
        call(29, 0, 0, 0); /* pause */
}
