/*
 * classify.c - what gdb/hmapdbg/families asks for by name, and which structs are maps by the names
 * of their fields. tests/layout/test_names.py compares the names with those in the families' code.
 */
#include "classify.h"

#include "types.h"

#include <string.h>

/* ---- names ----------------------------------------------------------------------------------- */

/* libhmap: structs and enums of hmap_internal.h. */
static const char *const c_types[] = {
    "hmap",       "hmap_type",    "hmap_array",    "hmap_box", "hmap_registry",
    "hmap_flags", "hmap_tophash", "hmap_key_kind", NULL,
};

/* GLib: in a library whose maps no variable leads to, and in programs that only declare it. */
static const char *const glib_types[] = {"_GHashTable", NULL};

/* Redis: links to its entries, and the values of its database, have no types that lead to these. */
static const char *const redis_types[] = {
    "dictEntry",   "dictEntryNormal", "dictEntryNoValue", "dictEntryEmbedded",
    "redisObject", "serverObject",    "zskiplistNode",    "zset",
    NULL,
};

/* Go's runtime: untyped map headers, iterators, goroutines, type descriptors, functions. */
static const char *const go_types[] = {
    "runtime.hmap",
    "runtime.hiter",
    "runtime.g",
    "internal/runtime/maps.Map",
    "internal/runtime/maps.Iter",
    "internal/runtime/maps.table",
    "sync.Map",
    "sync.entry",
    "sync.readOnly",
    "internal/abi.Type",
    "internal/abi.ITab",
    "internal/abi.InterfaceType",
    "internal/abi.ArrayType",
    "internal/abi.StructType",
    "internal/abi.StructField",
    "internal/abi.PtrType",
    "internal/abi.SliceType",
    "internal/abi.ChanType",
    "internal/abi.FuncType",
    "internal/abi.MapType",
    "internal/abi.OldMapType",
    "internal/abi.SwissMapType",
    "runtime._type",
    "runtime.itab",
    "runtime.interfacetype",
    "runtime.arraytype",
    "runtime.structtype",
    "runtime.structfield",
    "runtime.ptrtype",
    "runtime.slicetype",
    "runtime.chantype",
    "runtime.functype",
    "runtime.maptype",
    "runtime.mspan",
    "runtime.hchan",
    "runtime._func",
    "runtime.pcHeader",
    NULL,
};

/* What the compiler and the linker make for each type of map. */
static const char *const go_type_prefixes[] = {
    "map[",
    "hash<",
    "bucket<",
    "map<",
    "table<",
    "groupReference<",
    "map.group[",
    "internal/sync.HashTrieMap[",
    "internal/sync.indirect[",
    "internal/sync.entry[",
    "internal/sync.node[",
    NULL,
};

static const char *const cplusplus_type_prefixes[] = {
    "std::unordered_map<",
    "std::unordered_multimap<",
    "std::unordered_set<",
    "std::unordered_multiset<",
    "std::__1::unordered_map<",
    "std::__1::unordered_multimap<",
    "std::__1::unordered_set<",
    "std::__1::unordered_multiset<",
    "boost::unordered::unordered_",
    "boost::unordered::concurrent_",
    "folly::F14",
    NULL,
};

/* Abseil's maps point to their slots by void *: what they are is a typedef in them. */
static const char absl_slot[] = "slot_type";

/* Their types are kept too, but what they point to only if it leads to maps. */
static const char *const variables[] = {
    "hmap_registry",
    "runtime.allgs",
    "runtime.firstmoduledata",
    "runtime.mheap_",
    "sync.expunged",
    "runtime.class_to_size",
    "internal/runtime/gc.SizeClassToSize",
    NULL,
};

static const char *const constants[] = {
    "runtime.emptyRest",
    "runtime.emptyOne",
    "runtime.evacuatedX",
    "runtime.evacuatedY",
    "runtime.evacuatedEmpty",
    "runtime.minTopHash",
    "runtime.iterator",
    "runtime.oldIterator",
    "runtime.hashWriting",
    "runtime.sameSizeGrow",
    "runtime.loadFactorNum",
    "runtime.loadFactorDen",
    "runtime.kindDirectIface",
    "internal/abi.KindDirectIface",
    "internal/abi.TFlagDirectIface",
    "internal/runtime/maps.ctrlEmpty",
    "internal/runtime/maps.ctrlDeleted",
    "internal/runtime/maps.maxTableCapacity",
    NULL,
};

/* libhmap's hashes: a map's type object points to one, and its name says how to compute it. Redis's
 * and Valkey's functions: their names say what keys and elems are. */
const char *const wanted_functions[] = {
    "hmap_hash_4",
    "hmap_hash_8",
    "hmap_hash_bytes",
    "hmap_hash_string",
    "dictSdsHash",
    "dictSdsCaseHash",
    "dictObjHash",
    "dictEncObjHash",
    "dictCStrHash",
    "dictCStrCaseHash",
    "dictSdsKeyCompare",
    "dictSdsKeyCaseCompare",
    "dictSdsDestructor",
    "dictObjectDestructor",
    "hashtableSdsHash",
    "hashtableObjectGetKey",
    "zsetHashtableGetKey",
    "hashHashtableTypeGetKey",
    NULL,
};

static bool is_among(const char *const *list, const char *name)
{
    while (*list != NULL)
        if (strcmp(*list++, name) == 0)
            return true;
    return false;
}

static bool has_prefix_among(const char *const *list, const char *name)
{
    for (; *list != NULL; list++)
        if (strncmp(*list, name, strlen(*list)) == 0)
            return true;
    return false;
}

bool is_wanted_type(const char *name, enum language language)
{
    if (language == LANGUAGE_GO)
        return has_prefix_among(go_type_prefixes, name) || is_among(go_types, name);
    if (language == LANGUAGE_CPLUSPLUS &&
        (has_prefix_among(cplusplus_type_prefixes, name) || strcmp(name, absl_slot) == 0))
        return true;
    return (strncmp(name, "hmap", 4) == 0 && is_among(c_types, name)) ||
           (*name == '_' && is_among(glib_types, name)) || is_among(redis_types, name);
}

bool is_wanted_variable(const char *name)
{
    return is_among(variables, name);
}

bool is_wanted_constant(const char *name)
{
    return is_among(constants, name);
}

/* ---- structs --------------------------------------------------------------------------------- */

static const struct source_field *find_field(const struct source_type *type, const char *name)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (strcmp(type->fields[i].name, name) == 0)
            return &type->fields[i];
    return NULL;
}

static bool has_fields(const struct source_type *type, const char *const *names)
{
    for (; *names != NULL; names++)
        if (find_field(type, *names) == NULL)
            return false;
    return true;
}

enum { MAX_ANONYMOUS = 8 }; /* structs in one another */

/* Also through anonymous members, as libc++ has them since 21. */
static bool has_member(const struct reader *reader, const struct source_type *type,
                       const char *name, int depth)
{
    if (find_field(type, name) != NULL)
        return true;
    for (size_t i = 0; i < type->field_count && depth < MAX_ANONYMOUS; i++) {
        const struct source_field *field = &type->fields[i];
        if (*field->name != '\0' || field->is_base)
            continue;
        uint32_t inner = strip_type(reader, field->type);
        if (inner != LAYOUT_NONE && has_member(reader, &reader->types[inner], name, depth + 1))
            return true;
    }
    return false;
}

static bool has_members(const struct reader *reader, const struct source_type *type,
                        const char *const *names)
{
    for (; *names != NULL; names++)
        if (!has_member(reader, type, *names, 0))
            return false;
    return true;
}

/* The fields by which a family recognises its header (families/: recognise()). */
static const char *const libhmap_map[] = {"buckets", "oldbuckets", "B", "type", NULL};
static const char *const go_map[] = {"buckets", "oldbuckets", "B", "hash0", NULL};
static const char *const swiss_map[] = {"dirPtr", "dirLen", "globalDepth", NULL};
static const char *const sync_map[] = {"read", "dirty", "misses", NULL};
static const char *const trie_map[] = {"root", "keyHash", "valEqual", NULL};
static const char *const unordered_table[] = {"_M_buckets",
                                              "_M_bucket_count",
                                              "_M_before_begin",
                                              "_M_element_count",
                                              "_M_rehash_policy",
                                              "_M_single_bucket",
                                              NULL};
static const char *const libcxx_table[] = {"__bucket_list_", "__p1_", "__p2_", "__p3_", NULL};
static const char *const libcxx_20_table[] = {"__bucket_list_", "__first_node_", "__size_",
                                              "__max_load_factor_", NULL};
static const char *const raw_table[] = {"bucket_mask", "ctrl", "growth_left", "items", NULL};
static const char *const glib_table[] = {
    "mod", "mask", "nnodes", "noccupied", "keys", "hashes", "hash_func", "key_equal_func", NULL};
static const char *const qt_table[] = {"ref", "size", "numBuckets", "seed", "spans", NULL};
static const char *const khash[] = {"n_buckets", "size", "n_occupied", "upper_bound",
                                    "flags",     "keys", "vals",       NULL};
static const char *const absl_table[] = {"ctrl_",     "slots_",    "size_",
                                         "capacity_", "settings_", NULL};
static const char *const absl_fields[] = {"control_", "slots_", "capacity_", NULL};
static const char *const absl_inline[] = {"heap_or_soo_", NULL};
static const char *const uthash_handle[] = {"tbl", "prev",   "next",  "hh_prev", "hh_next",
                                            "key", "keylen", "hashv", NULL};
static const char *const boost_table[] = {"arrays", "size_", "ml", NULL};
static const char *const boost_core[] = {"arrays", "size_ctrl", NULL};
static const char *const boost_lists[] = {"size_", "mlf_", "max_load_", "buckets_", NULL};
static const char *const boost_list[] = {"allocators_", "bucket_count_", "size_", "mlf_",
                                         "max_load_",   "buckets_",      NULL};
static const char *const redis_dict[] = {"type",      "ht_table",    "ht_used",
                                         "rehashidx", "ht_size_exp", NULL};
static const char *const redis_6_dict[] = {"type", "ht", "rehashidx", NULL};
static const char *const valkey_table[] = {"type",       "rehash_idx",    "tables", "used",
                                           "bucket_exp", "child_buckets", NULL};
static const char *const robin_table[] = {"m_buckets",        "m_bucket_count",    "m_nb_elements",
                                          "m_load_threshold", "m_max_load_factor", NULL};
static const char *const dense_table[] = {"m_values", "m_buckets", "m_max_bucket_capacity",
                                          "m_shifts", NULL};
static const char *const llvm_dense[] = {"Buckets", "NumEntries", "NumTombstones", "NumBuckets",
                                         NULL};
static const char *const llvm_small[] = {"Small", "NumEntries", "NumTombstones", "storage", NULL};
static const char *const llvm_strings[] = {"TheTable",      "NumBuckets", "NumItems",
                                           "NumTombstones", "ItemSize",   NULL};
static const char *const f14_table[] = {"chunks_", "sizeAndChunkShiftAndPackedBegin_", NULL};
static const char *const f14_old_table[] = {"chunks_", "chunkMask_", "sizeAndPackedBegin_", NULL};
static const char *const *const maps[] = {
    libhmap_map,  go_map,          swiss_map,  sync_map,      trie_map,     unordered_table,
    libcxx_table, libcxx_20_table, raw_table,  glib_table,    khash,        absl_table,
    absl_fields,  absl_inline,     qt_table,   uthash_handle, boost_table,  boost_core,
    boost_lists,  boost_list,      redis_dict, redis_6_dict,  valkey_table, robin_table,
    dense_table,  llvm_dense,      llvm_small, llvm_strings,  f14_table,    f14_old_table};

/* What is between a header and the entries. */
static const char *const bucket[] = {"tophash", "overflow", NULL};
static const char *const overflow_lists[] = {"overflow", "oldoverflow", "nextOverflow", NULL};
static const char *const swiss_table[] = {"groups", "growthLeft", NULL};
static const char *const swiss_groups[] = {"data", "lengthMask", NULL};
static const char *const swiss_group[] = {"ctrl", "slots", NULL};
static const char *const split_group[] = {"ctrl", "keys", "elems", NULL};
static const char *const qt_span[] = {"offsets", "entries", "allocated", "nextFree", NULL};
static const char *const qt_chain[] = {"value", "next", NULL};
static const char *const boost_group[] = {"buckets", "bitmask", "next", "prev", NULL};
static const char *const f14_chunk[] = {"tags_", "control_", "outboundOverflowCount_", NULL};
static const char *const type_object[] = {"type", "bucket", NULL};
static const char *const *const parts[] = {bucket,      overflow_lists, swiss_table, swiss_groups,
                                           swiss_group, split_group,    qt_span,     qt_chain,
                                           boost_group, f14_chunk};

/* What HMAP_TYPE defines: the type object, and a pointer that keeps the bucket's type. */
static bool is_type_object(const struct reader *reader, const struct source_type *type)
{
    if (type->field_count != 2 || !has_fields(type, type_object))
        return false;
    uint32_t inner = strip_type(reader, find_field(type, "type")->type);
    return inner != LAYOUT_NONE && reader->types[inner].name != NULL &&
           strcmp(reader->types[inner].name, "hmap_type") == 0;
}

/* The structs of Go's runtime behind every interface: eface, and iface with methods. */
static const char *const empty_interface[] = {"_type", "data", NULL};
static const char *const interface[] = {"tab", "data", NULL};

bool is_interface(const struct source_type *type)
{
    return type->language == LANGUAGE_GO && type->field_count == 2 &&
           (has_fields(type, empty_interface) || has_fields(type, interface));
}

enum role role_of(const struct reader *reader, const struct source_type *type)
{
    if (type->is_declaration && type->name != NULL && is_among(glib_types, type->name))
        return ROLE_MAP;
    for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
        if (has_members(reader, type, maps[i]))
            return ROLE_MAP;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        if (has_fields(type, parts[i]))
            return ROLE_PART;
    return is_type_object(reader, type) ? ROLE_PART : ROLE_NONE;
}
