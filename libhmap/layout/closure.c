/*
 * closure.c - which of the loaded types are kept.
 *
 * A type is kept in full if a value of it may be printed or followed: what the families ask for,
 * what such a struct contains, and what its pointers lead to if a map can be reached there or if
 * the struct is a part of a map. Of anything else that a pointer leads to, the name is enough.
 */
#include "closure.h"

#include "classify.h"
#include "types.h"

#include <string.h>

/* ---- which types may lead to a map --------------------------------------------------------------- */

/* For each type a list of the types that refer to it, one list after the other. */
struct referrers {
    uint32_t *first; /* where each type's list begins; one more for the end */
    uint32_t *items;
};

/* Called for each type that values of a type contain or point to. */
typedef void edge_fn(struct referrers *referrers, uint32_t from, uint32_t to);

static void each_edge(const struct reader *reader, struct referrers *referrers, edge_fn *edge)
{
    for (uint32_t i = 0; i < reader->type_count; i++) {
        const struct source_type *type = &reader->types[i];
        if (type->tag != DW_TAG_subroutine_type && type->target != LAYOUT_NONE)
            edge(referrers, i, type->target);
        for (size_t k = 0; k < type->field_count; k++)
            if (type->fields[k].type != LAYOUT_NONE)
                edge(referrers, i, type->fields[k].type);
    }
}

static void count_edge(struct referrers *referrers, uint32_t from, uint32_t to)
{
    (void)from;
    referrers->first[to]++;
}

/* Fills the lists from their ends: `first` goes down to where each begins. */
static void add_edge(struct referrers *referrers, uint32_t from, uint32_t to)
{
    referrers->items[--referrers->first[to]] = from;
}

static void mark_reaching(struct reader *reader)
{
    size_t count = reader->type_count;
    struct referrers referrers = {arena_alloc(reader->arena, count + 1, sizeof(uint32_t)), NULL};
    each_edge(reader, &referrers, count_edge);
    for (size_t i = 1; i <= count; i++)
        referrers.first[i] += referrers.first[i - 1];
    referrers.items = arena_alloc(reader->arena, referrers.first[count], sizeof(uint32_t));
    each_edge(reader, &referrers, add_edge);
    uint32_t *queue = arena_alloc(reader->arena, count, sizeof(uint32_t));
    size_t queued = 0;
    for (uint32_t i = 0; i < count; i++)
        if (reader->types[i].role == ROLE_MAP || is_interface(&reader->types[i])) {
            reader->types[i].reaches_map = true;
            queue[queued++] = i;
        }
    for (size_t done = 0; done < queued; done++)
        for (uint32_t k = referrers.first[queue[done]]; k < referrers.first[queue[done] + 1]; k++) {
            struct source_type *from = &reader->types[referrers.items[k]];
            if (!from->reaches_map) {
                from->reaches_map = true;
                queue[queued++] = referrers.items[k];
            }
        }
}

bool is_kept_variable(const struct reader *reader, const struct variable *variable)
{
    return is_wanted_variable(variable->name) ||
           (variable->type != LAYOUT_NONE && reader->types[variable->type].reaches_map);
}

/* ---- how much of each is kept ---------------------------------------------------------------- */

struct queue {
    struct reader *reader;
    uint32_t *items;
    size_t count;
    size_t room;
};

static void demand(struct queue *queue, uint32_t index, enum demand how_much)
{
    if (index == LAYOUT_NONE || queue->reader->types[index].demand >= how_much)
        return;
    queue->reader->types[index].demand = how_much;
    *READER_APPEND(queue->reader->arena, queue->items, queue->count, queue->room) = index;
}

/* A struct without a name, as the slots of a group: a part of the struct that it is in. */
static bool is_nameless(const struct source_type *type)
{
    return type->name == NULL || strncmp(type->name, "struct {", 8) == 0 ||
           strncmp(type->name, "noalg.", 6) == 0;
}

static void spread_struct(struct queue *queue, const struct source_type *type)
{
    if (type->demand == DEMAND_NAME)
        return;
    for (size_t i = 0; i < type->field_count; i++) {
        uint32_t inner = type->fields[i].type;
        uint32_t real = strip_type(queue->reader, inner);
        bool is_part = real != LAYOUT_NONE && is_struct(&queue->reader->types[real]) &&
                       !is_nameless(&queue->reader->types[real]);
        demand(queue, inner, is_part ? DEMAND_FULL : type->demand);
    }
    for (size_t i = 0; i < type->argument_count; i++)
        demand(queue, type->arguments[i].type, DEMAND_FULL);
}

static void spread(struct queue *queue, uint32_t index)
{
    const struct source_type type = queue->reader->types[index];
    const struct source_type *target =
        type.target == LAYOUT_NONE ? NULL : &queue->reader->types[type.target];
    enum demand how_much = type.demand;
    switch (type.tag) {
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_union_type:
        if (type.role != ROLE_NONE && how_much == DEMAND_FULL)
            demand(queue, index, DEMAND_FOLLOW);
        else
            spread_struct(queue, &type);
        break;
    case DW_TAG_pointer_type:
    case DW_TAG_reference_type:
    case DW_TAG_rvalue_reference_type:
        if (target != NULL && how_much != DEMAND_NAME)
            demand(queue, type.target,
                   how_much == DEMAND_FOLLOW || target->reaches_map ? DEMAND_FULL : DEMAND_NAME);
        else
            demand(queue, type.target, DEMAND_NAME);
        break;
    case DW_TAG_subroutine_type: /* its name is spelled without them */
        break;
    default: /* arrays, typedefs, qualifiers, enums */
        demand(queue, type.target, how_much);
    }
}

/* Types that the user asks for count as maps. A typedef may be all the name that a struct has. */
static void mark_also(struct reader *reader)
{
    for (uint32_t i = 0; i < reader->type_count; i++) {
        const char *name = reader->types[i].name;
        uint32_t real = strip_type(reader, i);
        if (name != NULL && reader_find_also(reader, name) >= 0 && real != LAYOUT_NONE &&
            is_struct(&reader->types[real]))
            reader->types[real].role = ROLE_MAP;
    }
}

void close_types(struct reader *reader)
{
    for (uint32_t i = 0; i < reader->type_count; i++)
        if (is_struct(&reader->types[i]))
            reader->types[i].role = role_of(reader, &reader->types[i]);
    mark_also(reader);
    mark_reaching(reader);
    struct queue queue = {.reader = reader};
    for (size_t i = 0; i < reader->root_count; i++)
        demand(&queue, reader->roots[i], DEMAND_FULL);
    for (size_t i = 0; i < reader->constants.count; i++)
        demand(&queue, reader->constants.items[i].type, DEMAND_FULL);
    for (size_t i = 0; i < reader->variables.count; i++)
        if (is_kept_variable(reader, &reader->variables.items[i]))
            demand(&queue, reader->variables.items[i].type, DEMAND_FULL);
    /* Type objects keep the types of buckets that no variable leads to. In Go an interface may lead
     * to any type that leads to a map; that another one does not is told by its name alone. */
    for (uint32_t i = 0; i < reader->type_count; i++) {
        const struct source_type *type = &reader->types[i];
        bool is_held = type->language == LANGUAGE_GO && type->reaches_map &&
                       (is_struct(type) || type->tag == DW_TAG_typedef);
        if (type->role == ROLE_PART || is_held)
            demand(&queue, i, DEMAND_FULL);
        else if (type->language == LANGUAGE_GO && type->name != NULL)
            demand(&queue, i, DEMAND_NAME);
    }
    for (size_t done = 0; done < queue.count; done++)
        spread(&queue, queue.items[done]);
}
