/* dibao-core by hand in C, over Arrow buffers as they stand: money in whole yuan, truths as bits, no checks.
   Amounts come out in fen; clauses as 0 none, 1 below the line, 2 phase-out, 3 single person, 4 tekun support. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const int64_t *number;
    const uint8_t *registered_poor, *was_recipient;
    const int32_t *months_over_line;
    const int64_t *previous_benefit;
    int64_t *fen;
    int8_t *clause;
} Households;

typedef struct {
    const int64_t *household;
    const int32_t *age, *disability_level;
    const uint8_t *seriously_ill;
    const int64_t *monthly_income;
    const uint8_t *employed;
    const int64_t *employment_cost;
    const uint8_t *has_supporter;
    int64_t *fen;
    int8_t *clause;
    int64_t *tekun_fen;
    int8_t *tekun_clause;
} Persons;

static inline int bit(const uint8_t *bits, int64_t at) { return bits[at >> 3] >> (at & 7) & 1; }

static inline int64_t countable(const Persons *p, int64_t at) {
    int64_t income = p->monthly_income[at];
    if (bit(p->employed, at)) {
        int64_t cost = p->employment_cost[at];
        income -= cost < 300 ? cost : 300;
        if (income < 0) income = 0;
    }
    return income;
}

static inline void household(const Households *h, int64_t at, int64_t total, int64_t size) {
    int64_t fen = 0;
    int8_t clause = 0;
    if (total < 500 * size) {
        fen = (500 - total / size) * size * 100;
        clause = 1;
    } else if (bit(h->was_recipient, at) && h->months_over_line[at] <= 12) {
        fen = h->previous_benefit[at] * 100;
        clause = 2;
    }
    h->fen[at] = fen;
    h->clause[at] = clause;
}

static inline void person(const Persons *p, int64_t at, int poor) {
    int64_t income = countable(p, at);
    int32_t level = p->disability_level[at], age = p->age[at];
    int single = poor && ((level >= 1 && level <= 2) || bit(p->seriously_ill, at)) && income < 500;
    int tekun = (age >= 60 || age < 16 || level == 1) && p->monthly_income[at] == 0 && !bit(p->has_supporter, at);
    p->fen[at] = single ? (500 - income) * 100 : 0;
    p->clause[at] = single ? 3 : 0;
    p->tekun_fen[at] = tekun ? 65000 : 0;
    p->tekun_clause[at] = tekun ? 4 : 0;
}

/* Households from `first` to before `last`, persons in their order; the persons of `first` begin at `at`. */
void sorted(const Households *h, const Persons *p, int64_t first, int64_t last, int64_t at, int64_t people) {
    for (int64_t one = first; one < last; one++) {
        int64_t number = h->number[one], start = at, total = 0;
        for (; at < people && p->household[at] == number; at++) total += countable(p, at);
        household(h, one, total, at - start);
        int poor = bit(h->registered_poor, one) && h->clause[one] == 0;
        for (int64_t who = start; who < at; who++) person(p, who, poor);
    }
}

static inline uint64_t mixed(uint64_t key) {
    key ^= key >> 33;
    key *= 0xff51afd7ed558ccdULL;
    return key ^ key >> 33;
}

static int64_t room(int64_t count) {
    int64_t slots = 16;
    while (slots < 2 * count) slots *= 2;
    return slots;
}

/* The row of each person's household, by a table of numbers. */
void owners(const int64_t *numbers, int64_t count, const int64_t *asked, int64_t people, int32_t *owner) {
    int64_t slots = room(count);
    int32_t *table = malloc(slots * sizeof *table);
    memset(table, -1, slots * sizeof *table);
    for (int64_t one = 0; one < count; one++) {
        uint64_t slot = mixed(numbers[one]) & (slots - 1);
        while (table[slot] >= 0) slot = (slot + 1) & (slots - 1);
        table[slot] = one;
    }
    for (int64_t who = 0; who < people; who++) {
        uint64_t slot = mixed(asked[who]) & (slots - 1);
        while (numbers[table[slot]] != asked[who]) slot = (slot + 1) & (slots - 1);
        owner[who] = table[slot];
    }
    free(table);
}

typedef struct {
    const int32_t *ends;
    const char *letters;
} Texts;

static inline uint64_t hashed(const Texts *texts, int64_t at) {
    uint64_t found = 0xcbf29ce484222325ULL;
    for (int32_t one = texts->ends[at]; one < texts->ends[at + 1]; one++)
        found = (found ^ (unsigned char)texts->letters[one]) * 0x100000001b3ULL;
    return mixed(found);
}

static inline int same(const Texts *a, int64_t at, const Texts *b, int64_t there) {
    int32_t length = a->ends[at + 1] - a->ends[at];
    return length == b->ends[there + 1] - b->ends[there]
        && memcmp(a->letters + a->ends[at], b->letters + b->ends[there], length) == 0;
}

/* The same for household numbers that are texts; a person's is compared with that of the person before first. */
void text_owners(const Texts *numbers, int64_t count, const Texts *asked, int64_t people, int32_t *owner) {
    int64_t slots = room(count);
    int32_t *table = malloc(slots * sizeof *table);
    memset(table, -1, slots * sizeof *table);
    for (int64_t one = 0; one < count; one++) {
        uint64_t slot = hashed(numbers, one) & (slots - 1);
        while (table[slot] >= 0) slot = (slot + 1) & (slots - 1);
        table[slot] = one;
    }
    for (int64_t who = 0; who < people; who++) {
        if (who && same(asked, who, asked, who - 1)) {
            owner[who] = owner[who - 1];
            continue;
        }
        uint64_t slot = hashed(asked, who) & (slots - 1);
        while (!same(numbers, table[slot], asked, who)) slot = (slot + 1) & (slots - 1);
        owner[who] = table[slot];
    }
    free(table);
}

/* All households, persons in any order: incomes gathered where they belong, then households, then persons. */
void scattered(const Households *h, int64_t count, const Persons *p, int64_t people, const int32_t *owner) {
    int64_t *total = calloc(count, sizeof *total);
    int32_t *size = calloc(count, sizeof *size);
    for (int64_t who = 0; who < people; who++) {
        total[owner[who]] += countable(p, who);
        size[owner[who]]++;
    }
    for (int64_t one = 0; one < count; one++) household(h, one, total[one], size[one]);
    for (int64_t who = 0; who < people; who++) {
        int64_t one = owner[who];
        person(p, who, bit(h->registered_poor, one) && h->clause[one] == 0);
    }
    free(total);
    free(size);
}
