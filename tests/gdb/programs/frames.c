/* frames.c - a C function that calls back, for frames of another language; see languages.cc. */
void through_c(void (*call)(void))
{
    int of_c = 1;
    (void)of_c;
    call();
}

void stop_in_c(void *class)
{
    __asm__ volatile("" : : "r"(class) : "memory");
}
