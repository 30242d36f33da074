/*
 * fuzz_map.c - runs the scripts of script.h, for libFuzzer.
 *
 *     fuzz_map [FILE]...          runs these scripts
 *     fuzz_map -runs=N CORPUS     generates new ones
 */
#include "script.h"

int LLVMFuzzerTestOneInput(const uint8_t *script, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *script, size_t size)
{
    if (size >= SCRIPT_HEADER)
        script_count(script_run(script, size, script_own_failures(script, size)).operations);
    return 0;
}
