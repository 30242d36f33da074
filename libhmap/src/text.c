/*
 * text.c - the text of keys and elems in CSV files: integers in decimal, floating point like
 * Python's repr(), strings as they are except for invalid UTF-8.
 */
#include "hmap_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- integers, bool, pointers, bytes --------------------------------------------------------- */

void hmap_write_signed(FILE *out, const void *value, size_t size)
{
    int8_t v1;
    int16_t v2;
    int32_t v4;
    int64_t v8;
    switch (size) {
    case sizeof(v1):
        memcpy(&v1, value, sizeof(v1));
        fprintf(out, "%" PRId8, v1);
        break;
    case sizeof(v2):
        memcpy(&v2, value, sizeof(v2));
        fprintf(out, "%" PRId16, v2);
        break;
    case sizeof(v4):
        memcpy(&v4, value, sizeof(v4));
        fprintf(out, "%" PRId32, v4);
        break;
    case sizeof(v8):
        memcpy(&v8, value, sizeof(v8));
        fprintf(out, "%" PRId64, v8);
        break;
    default:
        hmap_write_bytes(out, value, size);
        break;
    }
}

void hmap_write_unsigned(FILE *out, const void *value, size_t size)
{
    uint8_t v1;
    uint16_t v2;
    uint32_t v4;
    uint64_t v8;
    switch (size) {
    case sizeof(v1):
        memcpy(&v1, value, sizeof(v1));
        fprintf(out, "%" PRIu8, v1);
        break;
    case sizeof(v2):
        memcpy(&v2, value, sizeof(v2));
        fprintf(out, "%" PRIu16, v2);
        break;
    case sizeof(v4):
        memcpy(&v4, value, sizeof(v4));
        fprintf(out, "%" PRIu32, v4);
        break;
    case sizeof(v8):
        memcpy(&v8, value, sizeof(v8));
        fprintf(out, "%" PRIu64, v8);
        break;
    default:
        hmap_write_bytes(out, value, size);
        break;
    }
}

void hmap_write_bool(FILE *out, const void *value, size_t size)
{
    const unsigned char *bytes = value;
    bool set = false;
    for (size_t i = 0; i < size; i++)
        set |= bytes[i] != 0;
    fputs(set ? "true" : "false", out);
}

void hmap_write_pointer(FILE *out, const void *value, size_t size)
{
    const void *pointer;
    if (size != sizeof(pointer)) {
        hmap_write_bytes(out, value, size);
        return;
    }
    memcpy(&pointer, value, sizeof(pointer));
    fprintf(out, "0x%" PRIxPTR, (uintptr_t)pointer);
}

void hmap_write_bytes(FILE *out, const void *value, size_t size)
{
    const unsigned char *bytes = value;
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%02x", bytes[i]);
}

/* ---- floating point -------------------------------------------------------------------------- */

enum { MOST_DIGITS = 17 };

/* Digits d1 d2 ... dn stand for d1.d2...dn times 10^exponent. */
struct decimal {
    char digits[MOST_DIGITS + 2];
    int n;
    int exponent;
};

/* Whether the digits read back as the value. No decimal point: it depends on the locale. */
static bool decimal_reads_back(const struct decimal *decimal, double value, size_t size)
{
    char text[48];
    snprintf(text, sizeof(text), "%se%d", decimal->digits, decimal->exponent - (decimal->n - 1));
    return size == sizeof(float) ? (double)strtof(text, NULL) == value
                                 : strtod(text, NULL) == value;
}

static void decimal_round(struct decimal *decimal, double value, int digits)
{
    char text[48];
    snprintf(text, sizeof(text), "%.*e", digits - 1, value);
    const char *exponent = strchr(text, 'e');
    decimal->n = 0;
    for (const char *c = text; c < exponent; c++)
        if (*c >= '0' && *c <= '9')
            decimal->digits[decimal->n++] = *c;
    decimal->digits[decimal->n] = '\0';
    decimal->exponent = (int)strtol(exponent + 1, NULL, 10);
}

static void decimal_add_one(struct decimal *decimal)
{
    uint64_t number = strtoull(decimal->digits, NULL, 10) + 1;
    int n = snprintf(decimal->digits, sizeof(decimal->digits), "%" PRIu64, number);
    decimal->exponent += n - decimal->n;
    decimal->n = n;
}

/*
 * The fewest digits that read back. If any number of so many digits does, the nearest one does,
 * except at powers of two: values are denser below them than above, so the nearest may be below and
 * read back as a neighbour, while the next one above reads back as the value.
 */
static void decimal_shortest(struct decimal *decimal, double value, size_t size)
{
    for (int digits = 1; digits <= MOST_DIGITS; digits++) {
        decimal_round(decimal, value, digits);
        if (decimal_reads_back(decimal, value, size))
            break;
        struct decimal above = *decimal;
        decimal_add_one(&above);
        if (decimal_reads_back(&above, value, size)) {
            *decimal = above;
            break;
        }
    }
    while (decimal->n > 1 && decimal->digits[decimal->n - 1] == '0')
        decimal->n--;
    decimal->digits[decimal->n] = '\0';
}

void hmap_write_float(FILE *out, const void *value, size_t size)
{
    double number;
    if (size == sizeof(float)) {
        float single;
        memcpy(&single, value, sizeof(single));
        number = (double)single;
    } else if (size == sizeof(number)) {
        memcpy(&number, value, sizeof(number));
    } else {
        hmap_write_bytes(out, value, size);
        return;
    }
    if (isnan(number)) {
        fputs("nan", out);
        return;
    }
    if (signbit(number))
        fputc('-', out);
    number = fabs(number);
    if (isinf(number)) {
        fputs("inf", out);
        return;
    }
    struct decimal decimal;
    decimal_shortest(&decimal, number, size);
    const char *digits = decimal.digits;
    int n = decimal.n, exponent = decimal.exponent;
    if (exponent < -4 || exponent >= 16) {
        fprintf(out, n > 1 ? "%c.%s" : "%c%s", digits[0], digits + 1);
        fprintf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
        return;
    }
    if (exponent < 0) {
        fprintf(out, "0.%.*s%s", -exponent - 1, "000", digits);
        return;
    }
    for (int i = 0; i <= exponent; i++)
        fputc(i < n ? digits[i] : '0', out);
    fprintf(out, ".%s", n > exponent + 1 ? digits + exponent + 1 : "0");
}

/* ---- strings --------------------------------------------------------------------------------- */

/* The length of the UTF-8 sequence at `text`; 0: not valid by RFC 3629. */
static size_t utf8_length(const unsigned char *text, size_t size)
{
    unsigned char first = text[0];
    unsigned char low = 0x80, high = 0xbf; /* what the second byte may be */
    size_t length;
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        length = 3;
        if (first == 0xe0)
            low = 0xa0; /* below: overlong */
        if (first == 0xed)
            high = 0x9f; /* above: a surrogate */
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        if (first == 0xf0)
            low = 0x90; /* below: overlong */
        if (first == 0xf4)
            high = 0x8f; /* above: past U+10FFFF */
    } else {
        return 0;
    }
    if (size < length || text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (text[i] < 0x80 || text[i] > 0xbf)
            return 0;
    return length;
}

static bool utf8_is_valid(const unsigned char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        size_t length = utf8_length(text + i, size - i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

static void write_text(FILE *out, const char *string, size_t size)
{
    const unsigned char *text = (const unsigned char *)string;
    if (utf8_is_valid(text, size)) {
        fwrite(text, 1, size, out);
        return;
    }
    for (size_t i = 0; i < size;) {
        size_t length = utf8_length(text + i, size - i);
        if (length == 0) {
            fprintf(out, "\\x%02x", text[i]);
            i++;
        } else {
            if (text[i] == '\\')
                fputc('\\', out);
            fwrite(text + i, 1, length, out);
            i += length;
        }
    }
}

void hmap_write_string(FILE *out, const void *value, size_t size)
{
    const char *string;
    if (size != sizeof(string)) {
        hmap_write_bytes(out, value, size);
        return;
    }
    memcpy(&string, value, sizeof(string));
    if (string == NULL)
        fputs("0x0", out);
    else
        write_text(out, string, strlen(string));
}

void hmap_write_chars(FILE *out, const void *value, size_t size)
{
    write_text(out, value, strnlen(value, size));
}
