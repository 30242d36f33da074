// Long chains: of nodes with a map each, of nodes of which only the last has one, of maps in maps.
// Prints the address and the length of each map.
#include <cstdio>
#include <unordered_map>

const int LENGTH = 5000;

struct Node {
    Node *next = nullptr;
    std::unordered_map<int, int> map;
};

struct Link {
    Link *next = nullptr;
    std::unordered_map<int, int> *map = nullptr;
};

struct Level {
    std::unordered_map<int, Level *> below;
};

Node *each;
Link *far;
Level level;

void stop()
{
    __asm__ volatile("" : : : "memory");
}

int main()
{
    for (int i = 0; i < LENGTH; i++) {
        Node *node = new Node;
        node->map[i] = i;
        node->next = each;
        each = node;
        std::printf("%p 1 each\n", (void *)&node->map);
    }
    far = new Link;
    far->map = new std::unordered_map<int, int>{{1, 1}, {2, 2}};
    std::printf("%p 2 far\n", (void *)far->map);
    for (int i = 0; i < LENGTH; i++)
        far = new Link{far, nullptr};
    Level *at = &level;
    for (int i = 0; i < LENGTH; i++) {
        Level *below = new Level;
        at->below[i] = below;
        std::printf("%p 1 level\n", (void *)&at->below);
        at = below;
    }
    std::printf("%p 0 level\n", (void *)&at->below);
    std::fflush(stdout);
    stop();
}
