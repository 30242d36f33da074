/*
 * units.c - an array in the order of places, for binary search.
 */
#include "units.h"

void units_add(struct reader *reader, const struct unit *unit)
{
    *READER_APPEND(reader->arena, reader->units, reader->unit_count, reader->unit_room) = *unit;
}

const struct unit *units_find(const struct reader *reader, place_t place)
{
    size_t low = 0;
    size_t high = reader->unit_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (reader->units[middle].end <= place)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < reader->unit_count && reader->units[low].first <= place;
    return found ? &reader->units[low] : NULL;
}

void units_settle_languages(struct reader *reader)
{
    enum language language = LANGUAGE_C;
    for (size_t i = reader->unit_count; i-- > 0;)
        if (reader->units[i].language != LANGUAGE_UNKNOWN)
            language = reader->units[i].language;
    for (size_t i = 0; i < reader->unit_count; i++)
        if (reader->units[i].language == LANGUAGE_UNKNOWN)
            reader->units[i].language = language;
}
