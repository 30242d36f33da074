/* Maps of libhmap whose keys, elems, names, types and file are hostile. Stops in stop(). */

#include <stdlib.h>
#include <string.h>

#include "hmap_internal.h"
#if __has_include("hostile.h")
#include "hostile.h" /* which the test writes */
#else                /* for checkers of this file alone */
struct text {
    const char *bytes;
    size_t size;
};
static const struct text hostile[10] = {{"", 0}};
enum { HOSTILE = 10, MEGABYTE = 1 << 20 };
#endif

typedef struct {
    char text[48];
} EVILTYPE_EVILTYPE_EVIL;

HMAP_TYPE_STRING(by_text, const char *);
HMAP_TYPE_BYTES(by_struct, EVILTYPE_EVILTYPE_EVIL, EVILTYPE_EVILTYPE_EVIL);
HMAP_TYPE_INT64(by_number, const char *);

struct hmap *texts, *structs, *EVILVARI_EVILVARI_EVIL, *broken;
struct hmap *named[HOSTILE];

__attribute__((noinline)) void stop(void)
{
    __asm__ volatile("" : : : "memory");
}

#line 1 "EVILFILE_EVILFILE_EVIL.c"
static struct hmap *create(const struct hmap_type *type, const char *name)
{
    return hmap_create(type, &(struct hmap_options){.name = name, .fixed_seed = true});
}

int main(void)
{
    texts = create(&by_text.type, hostile[0].bytes);
    structs = create(&by_struct.type, hostile[6].bytes);
    EVILVARI_EVILVARI_EVIL = create(&by_number.type, hostile[9].bytes);
    broken = create(&by_text.type, hostile[1].bytes);
    static char large[MEGABYTE + 1];
    if (texts == NULL || structs == NULL || EVILVARI_EVILVARI_EVIL == NULL || broken == NULL)
        return 1;
    memset(large, 0x1b, MEGABYTE);
    large[MEGABYTE] = '\0';
    hmap_put(texts, &(const char *){large}, &(const char *){large});
    for (size_t i = 0; i < HOSTILE; i++) {
        const char *text = hostile[i].bytes;
        EVILTYPE_EVILTYPE_EVIL row = {{0}};
        strncpy(row.text, text, sizeof row.text - 1);
        int64_t number = (int64_t)i;
        named[i] = create(&by_number.type, text);
        if (named[i] == NULL || hmap_put(named[i], &number, &text) == NULL)
            return 1;
        if (hmap_put(texts, &text, &text) == NULL || hmap_put(structs, &row, &row) == NULL ||
            hmap_put(EVILVARI_EVILVARI_EVIL, &number, &text) == NULL)
            return 1;
    }
    static struct hmap_type wrong;
    wrong = by_text.type;
    wrong.tag = hostile[1].bytes;
    wrong.key_size = 3;
    broken->type = &wrong;
    stop();
    return 0;
}
