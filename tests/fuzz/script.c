/*
 * script.c - runs a script on a rig.
 */
#include "script.h"

enum { LONGEST_WALK = 64, WAVE_WIDTH = 18 };

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
            rig_wave(rig, WAVE_WIDTH);
        break;
    case 7:
    case 8:
    case 9:
    case 10:
        rig_delete(rig, key_of(what, which));
        break;
    case 11:
        rig_get(rig, key_of(what, which));
        break;
    default:
        rig_insert(rig, key_of(what, which));
        break;
    }
}

struct script_failures script_own_failures(const uint8_t *script, size_t size)
{
    if (size < SCRIPT_HEADER)
        return (struct script_failures){0, 0};
    return (struct script_failures){script[3], script[4]};
}

struct script_result script_run(const uint8_t *script, size_t size, struct script_failures failures)
{
    static const size_t hints[] = {0, 0, 0, 9, 60, 105, 300, 600};
    static const size_t periods[] = {1, 16, 256, SCRIPT_LONGEST};
    static struct rig rig;
    size_t period = periods[script[2] >> 6];

    memset(&rig, 0, sizeof(rig));
    rig.memory.fail_from = failures.from;
    rig.memory.fail_count = failures.count;
    if (!rig_init(&rig, &rig_kinds[script[0] % rig_kind_count], script[1], hints[script[2] % 8]))
        return (struct script_result){1, rig.memory.calls};
    size_t count = (size - SCRIPT_HEADER) / 2;
    for (size_t i = 0; i < count && i < SCRIPT_LONGEST; i++) {
        run_instruction(&rig, script[SCRIPT_HEADER + 2 * i], script[SCRIPT_HEADER + 2 * i + 1]);
        if (i % period == 0)
            assert_sound(rig.map);
    }
    rig_verify(&rig);
    struct script_result result = {rig.operations, rig.memory.calls};
    rig_fini(&rig);
    return result;
}

/* ---- the count of operations ----------------------------------------------------------------- */

static unsigned long long operations_run;

static void print_count(void)
{
    fprintf(stderr, "%llu operations\n", operations_run);
}

void script_count(size_t operations)
{
    static bool is_known;
    if (!is_known) {
        is_known = true;
        atexit(print_count);
    }
    operations_run += operations;
}
