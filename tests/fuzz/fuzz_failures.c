/*
 * fuzz_failures.c - runs each script of script.h again and again: each time another one of its
 * allocations fails, alone or with all that follow, for libFuzzer.
 *
 *     fuzz_failures [FILE]...          runs these scripts
 *     fuzz_failures -runs=N CORPUS     generates new ones
 */
#include "script.h"

int LLVMFuzzerTestOneInput(const uint8_t *script, size_t size);

/* Two runs for each allocation: long scripts would take seconds. */
enum { LONGEST = SCRIPT_HEADER + 2 * 256 };

int LLVMFuzzerTestOneInput(const uint8_t *script, size_t size)
{
    if (size < SCRIPT_HEADER)
        return 0;
    size = size < LONGEST ? size : LONGEST;
    struct script_result sound = script_run(script, size, (struct script_failures){0, 0});
    size_t operations = sound.operations;
    for (size_t at = 1; at <= sound.allocations; at++) {
        operations += script_run(script, size, (struct script_failures){at, 1}).operations;
        operations += script_run(script, size, (struct script_failures){at, SIZE_MAX}).operations;
    }
    script_count(operations);
    return 0;
}
