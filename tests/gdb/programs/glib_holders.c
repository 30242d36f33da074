/* glib_holders.c - GHashTables in what programs keep them in; each line says where one is, and with how
 * many entries. */
#include <glib.h>

#include <stdio.h>

typedef struct {
    const char *name;
    GHashTable *cache;
} Session;

typedef struct {
    GHashTable *by_name;
    GHashTable *none;
    struct {
        GHashTable *pair[2];
    } inner;
    Session *first;
    GList *queue;
} Service;

void fixture_stop(void);
void session_free(Session *session);

__attribute__((noinline)) void fixture_stop(void)
{
    __asm__ volatile("");
}

void session_free(Session *session)
{
    g_hash_table_unref(session->cache);
    g_free(session);
}

static int next_count = 1;

/* A table with as many entries as no other one has. */
static GHashTable *made(const char *how)
{
    GHashTable *map = g_hash_table_new(NULL, NULL);
    for (int i = 0; i < next_count; i++)
        g_hash_table_insert(map, GINT_TO_POINTER(i), NULL);
    printf("%p %d %s\n", (void *)map, next_count++, how);
    return map;
}

static GHashTable *keep(GHashTable *map, const char *how)
{
    printf("%p %u %s\n", (void *)map, g_hash_table_size(map), how);
    return map;
}

static Session *new_session(const char *how)
{
    Session *session = g_new0(Session, 1);
    session->name = how;
    session->cache = made(how);
    return session;
}

GHashTable *global;
static GHashTable *in_file;
static __thread GHashTable *in_thread;
static Service service;
static Service *heap;
static GHashTable *by_text, *by_number, *as_keys, *untold, *sessions;
static GList *list;
static GSList *slist;
static GPtrArray *array;
static GQueue queue = G_QUEUE_INIT;
static GList *of_other_things;
static gpointer anything;

static void fill(void)
{
    global = made("a global");
    in_file = made("a static");
    in_thread = made("a thread-local");
    service.by_name = made("a member");
    service.inner.pair[1] = made("an array in a member");
    service.first = new_session("behind a pointer in a member");
    service.queue = g_list_append(NULL, made("a list in a member"));
    heap = g_new0(Service, 1);
    heap->by_name = made("on the heap");
    by_text =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_hash_table_unref);
    g_hash_table_insert(by_text, "first", made("an elem of a text"));
    g_hash_table_insert(by_text, "two words", made("an elem of two words"));
    keep(by_text, "a table of tables");
    by_number = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_hash_table_unref);
    for (int i = 10; i < 12; i++)
        g_hash_table_insert(by_number, GINT_TO_POINTER(i), made("an elem of a number"));
    g_hash_table_insert(by_number, GINT_TO_POINTER(13), NULL);
    keep(by_number, "a table of tables by number");
    as_keys = g_hash_table_new_full(NULL, NULL, (GDestroyNotify)g_hash_table_unref, NULL);
    for (int i = 0; i < 2; i++)
        g_hash_table_insert(as_keys, made("a key"), NULL);
    keep(as_keys, "a table with tables as keys");
    untold = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(untold, "a", made("an elem of which no function tells"));
    g_hash_table_insert(untold, "b", NULL);
    keep(untold, "a table of tables that frees none");
    sessions = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)session_free);
    for (int i = 0; i < 3; i++)
        g_hash_table_insert(sessions, g_strdup_printf("s%d", i), new_session("in an elem"));
    keep(sessions, "a table of structs");
    array = g_ptr_array_new();
    for (int i = 0; i < 30; i++) {
        /* Some elements are NULL, or something else. */
        list = g_list_append(list, i % 3 ? NULL : (i % 2 ? "text" : (gpointer)made("in a list")));
        if (i < 3)
            g_ptr_array_add(array, made("in an array"));
    }
    slist = g_slist_prepend(NULL, made("in a singly linked list"));
    g_queue_push_tail(&queue, made("in a queue"));
    for (int i = 0; i < 1000; i++)
        of_other_things = g_list_prepend(of_other_things, GINT_TO_POINTER(i));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    fill();
    GHashTable *volatile local = made("a local");
    anything = g_hash_table_new(NULL, NULL); /* of which no type tells */
    fixture_stop();
    return g_hash_table_size(local) == 0;
}
