/* A process that only is there. */
#include <unistd.h>
int main(void) { for (;;) pause(); }
