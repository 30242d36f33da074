/*
 * registry.c - all maps of the process, for a debugger to find.
 *
 * A doubly linked list with one mutex, which only create and destroy take. A debugger may stop the
 * process at any instruction, so each step leaves the forward links valid: a map is complete before
 * `first` points to it, and unlinked before it is freed. Backward links may lag by one store.
 */
#include "map.h"

HMAP_API struct hmap_registry hmap_registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

/*
 * Keeps these enums in the debug information of every compiler: flags, key_kind and tophash are
 * stored as bytes, so nothing else refers to the types.
 */
extern const struct hmap_debug_enums {
    enum hmap_tophash tophash;
    enum hmap_flags flags;
    enum hmap_key_kind key_kind;
} hmap_debug_enums;
const struct hmap_debug_enums hmap_debug_enums
    __attribute__((used)) = {HMAP_TOPHASH_EMPTY_REST, HMAP_FLAG_ALL, HMAP_KEY_GENERIC};

void hmap_registry_add(struct hmap *map)
{
    pthread_mutex_lock(&hmap_registry.lock);
    struct hmap *next = hmap_registry.first;
    map->registry_prev = NULL;
    map->registry_next = next;
    __atomic_store_n(&hmap_registry.first, map, __ATOMIC_RELEASE);
    if (next != NULL)
        next->registry_prev = map;
    hmap_registry.count++;
    pthread_mutex_unlock(&hmap_registry.lock);
}

void hmap_registry_remove(struct hmap *map)
{
    pthread_mutex_lock(&hmap_registry.lock);
    struct hmap *next = map->registry_next;
    struct hmap **link =
        map->registry_prev != NULL ? &map->registry_prev->registry_next : &hmap_registry.first;
    __atomic_store_n(link, next, __ATOMIC_RELEASE);
    if (next != NULL)
        next->registry_prev = map->registry_prev;
    hmap_registry.count--;
    pthread_mutex_unlock(&hmap_registry.lock);
    map->registry_next = NULL;
    map->registry_prev = NULL;
}
