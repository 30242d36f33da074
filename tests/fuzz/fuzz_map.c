/*
 * fuzz_map.c - runs byte scripts on a map and on the model of tests/c, for libFuzzer.
 *
 *     fuzz_map [FILE]...          runs these scripts
 *     fuzz_map -runs=N CORPUS     generates new ones
 *
 * A script: a byte that chooses the kind of map, a byte of seed, then instructions of two bytes:
 * what to do, and with which key or iterator. The map must agree with the model after each script,
 * and its invariants must hold after each instruction.
 */
#include "rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *script, size_t size);

enum { MOST_INSTRUCTIONS = 4096, LONGEST_WALK = 64 };

/* Keys of one byte and two bits cover all RIG_KEYS. */
static unsigned key_of(uint8_t what, uint8_t which)
{
    return (unsigned)(which | (what & 0xc0) << 2) % RIG_KEYS;
}

static void run_instruction(struct rig *rig, uint8_t what, uint8_t which)
{
    unsigned slot = which % RIG_ITERATORS;
    const struct rig_iterator *iterator = &rig->iterators[slot];

    switch (what % 16) {
    case 0:
        if (!iterator->open)
            rig_open(rig, slot);
        break;
    case 1:
        if (iterator->open)
            rig_close(rig, slot);
        break;
    case 2:
    case 3:
        if (iterator->open)
            rig_walk(rig, slot, 1 + which % LONGEST_WALK);
        break;
    case 4:
        if (which < 8) /* rarely, or no map gets large */
            rig_clear(rig);
        break;
    case 5:
    case 6:
        for (unsigned i = 0; i < which % 32U; i++)
            rig_wave(rig, 18);
        break;
    case 7:
    case 8:
    case 9:
    case 10:
        rig_delete(rig, key_of(what, which));
        break;
    default:
        rig_insert(rig, key_of(what, which));
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *script, size_t size)
{
    static struct rig rig;

    if (size < 2)
        return 0;
    memset(&rig, 0, sizeof(rig));
    if (!rig_init(&rig, &rig_kinds[script[0] % rig_kind_count], script[1], 0))
        return 0;
    size_t most = size < 2 * MOST_INSTRUCTIONS ? size : 2 * MOST_INSTRUCTIONS;
    for (size_t at = 2; at + 1 < most; at += 2) {
        run_instruction(&rig, script[at], script[at + 1]);
        assert_sound(rig.map);
    }
    rig_verify(&rig);
    rig_fini(&rig);
    return 0;
}
